// What all subcommands share: exit codes, and how a failure is told.
//
// Each has a function add_...(cli, code), which adds it to the command line. When the subcommand is
// given, its exit code goes to `code`, which outlives `cli`.
#pragma once

#include <string>
#include <utility>

#include "base/result.h"
#include "engine.h"

namespace CLI {  // NOLINT(readability-identifier-naming): its own name
class App;
}

namespace sluice::commands {

inline constexpr int kOk = 0;
inline constexpr int kMachineFailure = 1;
inline constexpr int kUsageError = 2;  // a mistake in the command line or the config

// Writes the error to standard error; yields the exit code that it calls for.
[[nodiscard]] int complain(const Error& error);

// kBadRequest: what is wrong with a flag.
[[nodiscard]] inline tl::unexpected<Error> refuse_flags(std::string what) {
  return fail(ErrorCode::kBadRequest, std::move(what));
}

}  // namespace sluice::commands
