#include "commands/command.h"

#include <cstdlib>

#include <fmt/format.h>

#include "routes.h"

namespace sluice::commands {

int complain(const Error& error) {
  fmt::print(stderr, "{}\n", error.detail);
  const bool is_usage =
      error.code == ErrorCode::kInvalidConfig || error.code == ErrorCode::kBadRequest;
  return is_usage ? kUsageError : kMachineFailure;
}

Result<config::Loaded> load_config(const std::string& path, config::LoadOptions options) {
  options.routes = route_names();
  if (const char* uri = std::getenv("RATE_LIMIT_STORAGE_URI"); uri && *uri) {
    options.storage_uri = uri;
  }
  if (const char* secret = std::getenv("SLUICE_SECRET_FILE"); secret && *secret) {
    options.secret_file = secret;
  }
  if (const char* secrets = std::getenv("SLUICE_SECRETS"); secrets && *secrets) {
    options.secrets = secrets;
  }
  return config::load(path, options);
}

}  // namespace sluice::commands
