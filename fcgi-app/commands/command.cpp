#include "commands/command.h"

#include <fmt/format.h>

namespace sluice::commands {

int complain(const Error& error) {
  fmt::print(stderr, "{}\n", error.detail);
  const bool is_usage =
      error.code == ErrorCode::kInvalidConfig || error.code == ErrorCode::kBadRequest;
  return is_usage ? kUsageError : kMachineFailure;
}

}  // namespace sluice::commands
