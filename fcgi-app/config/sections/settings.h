// The settings that are no lists, such as those of `storage`, `fastcgi` and `log`.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "config/deployment.h"
#include "config/document/reader.h"
#include "policy/rules.h"

namespace sluice::config {

// Where the settings are read into.
struct SettingsDraft {
  Deployment& deployment;
  policy::Rules& rules;
  bool uri_replaced;  // by the environment: then what the file says of it is not looked at
};

struct Setting {
  std::string_view name;  // with its section: "storage.uri"
  void (*read)(const Value& value, SettingsDraft& draft);
  // Whether two deployments have the same; nullptr for a setting of the rules.
  bool (*is_same)(const Deployment& a, const Deployment& b);
};

// All of them, each once: whoever walks this table forgets none.
[[nodiscard]] std::span<const Setting> settings();

// Reads what `section` says of them.
void read_settings(const Value& section, SettingsDraft& draft);

// Points `store` at the one of `uri`; or says what is wrong with that.
[[nodiscard]] std::optional<std::string> set_store(std::string_view uri,
                                                   store::Assembly::Options& store);

}  // namespace sluice::config
