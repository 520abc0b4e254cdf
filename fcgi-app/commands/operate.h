// What an operator asks of the buckets, from the command line: to see them, or to have them full.
#pragma once

#include <string>

#include "base/result.h"
#include "base/task.h"
#include "commands/command.h"
#include "commands/whose.h"
#include "config/load.h"
#include "limiter/limiter.h"

namespace sluice::commands {

// One line for each limit: how its bucket stands. Error: kStoreUnavailable.
// REQUIRES: the arguments outlive the task.
[[nodiscard]] Task<Result<std::string>> peek(Buckets& buckets, limiter::Limiter& limiter);

// Shows the buckets as peek() does, and which of them others share; gives the full quota of those
// that it does not keep() back, and says how many had been in use. Error and REQUIRES: as peek(),
// or kStoreFault.
[[nodiscard]] Task<Result<std::string>> reset(Buckets& buckets, limiter::Limiter& limiter);

// What reset() would show and do; it changes nothing. Error and REQUIRES: as peek().
[[nodiscard]] Task<Result<std::string>> preview_reset(Buckets& buckets, limiter::Limiter& limiter);

using Operation = Task<Result<std::string>> (*)(Buckets& buckets, limiter::Limiter& limiter);

// Connects to the config's store and runs one of the three there; yields its text. Errors: as
// theirs and find_buckets(); kBadRequest for a store that only workers can see, kSystem for a file
// that no worker has made yet, or that does not suit.
[[nodiscard]] Result<std::string> operate(const config::Loaded& config, const Whose& whose,
                                          Operation operation);

void add_peek(CLI::App& cli, int& code);
void add_reset(CLI::App& cli, int& code);

}  // namespace sluice::commands
