// Reads a config file; the one home of libconfig++.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "config/config.h"

namespace sluice::config {

struct LoadOptions {
  // Replaces storage.uri, whatever the file says: the value of RATE_LIMIT_STORAGE_URI.
  std::optional<std::string> storage_uri;
  // Whether a limit may name this route.
  std::function<bool(std::string_view)> is_route;
};

// Reads `path` and the files that it includes (relative to its own folder). Everything is checked,
// and everything that is wrong is reported at once: the error is kInvalidConfig, its detail one
// `file:line: what is wrong, what to do` per line, in the order of the files.
[[nodiscard]] Result<Config> load(const std::string& path, const LoadOptions& options);

}  // namespace sluice::config
