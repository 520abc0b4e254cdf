// `sluice worker`: serves until it is told to stop.
#pragma once

#include "commands/command.h"

namespace sluice::commands {

// When the subcommand is given, its exit code goes to `code`, which outlives `cli`.
void add_worker(CLI::App& cli, int& code);

}  // namespace sluice::commands
