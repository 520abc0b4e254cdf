// Reads a config file. libconfig++ has its home in load.cpp and reader.cpp.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/config.h"

namespace sluice::config {

struct LoadOptions {
  // Replaces storage.uri, whatever the file says: the value of RATE_LIMIT_STORAGE_URI.
  std::optional<std::string> storage_uri;
  // Replaces sessions.secret_file: the value of SLUICE_SECRET_FILE, relative to nothing.
  std::optional<std::string> secret_file;
  // Replaces that file: the value of SLUICE_SECRETS (identity::parse_secret_list()).
  std::optional<std::string> secrets;
  // Whether to read the file of API keys. If not, it may say anything, and there are no keys: who
  // mends that file needs a config all the same.
  bool read_api_keys = true;
  // The routes that a limit may name.
  std::vector<std::string_view> routes;
};

// Reads `path` and the files that it includes (relative to its own folder). Everything is checked,
// and everything that is wrong is reported at once: the error is kInvalidConfig, its detail one
// `file:line: what is wrong, what to do` per line, in the order of the files. Without a line it is
// about the whole file, with the name of a variable instead about the environment.
[[nodiscard]] Result<Config> load(const std::string& path, const LoadOptions& options);

// Every key that a file may hold, as in "storage.uri" and "plans.limits.rate".
[[nodiscard]] std::vector<std::string> known_keys();

}  // namespace sluice::config
