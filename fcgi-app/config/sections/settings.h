// The settings that are no lists, such as those of `storage`, `fastcgi` and `log`.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "config/deployment.h"
#include "config/document/reader.h"
#include "policy/options.h"

namespace sluice::config {

// Where the settings are read into.
struct SettingsDraft {
  Deployment& deployment;
  policy::Options& policy;
  bool
      uri_replaced;  // whether the environment replaces storage.uri: then the file's is not checked
};

struct Setting {
  std::string_view name;  // with its section: "storage.uri"
  void (*read)(const Value& value, SettingsDraft& draft);
  // Whether two deployments have the same; nullptr for a setting of the policy.
  bool (*is_same)(const Deployment& a, const Deployment& b);
};

// All settings, each once.
[[nodiscard]] std::span<const Setting> settings();

// Reads a section of settings.
void read_settings(const Value& section, SettingsDraft& draft);

// Makes `store` the one that `uri` names. Says what is wrong with the URI, if anything is.
[[nodiscard]] std::optional<std::string> set_store(std::string_view uri,
                                                   store::Assembly::Options& store);

}  // namespace sluice::config
