// The sections of single settings, such as `storage`, `fastcgi` and `log`.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/document/reader.h"

namespace sluice::config {

struct Settings {
  Config& config;
  bool uri_replaced;  // by the environment: then what the file says of it is not looked at
};

// Reads the section of this name into `settings`.
void read_settings(const Value& section, Settings& settings);

// Points `store` at the one of `uri`; or says what is wrong with that.
[[nodiscard]] std::optional<std::string> set_store(std::string_view uri,
                                                   store::Assembly::Options& store);

// Every key that the sections know, as in "storage.uri".
[[nodiscard]] std::vector<std::string> settings_keys();

}  // namespace sluice::config
