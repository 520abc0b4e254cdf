// `sluice doctor`: finds in nginx's config what defeats the limiter.
#pragma once

#include "commands/command.h"

namespace sluice::commands {

// When the subcommand is given, its exit code goes to `code`, which outlives `cli`.
void add_doctor(CLI::App& cli, int& code);

}  // namespace sluice::commands
