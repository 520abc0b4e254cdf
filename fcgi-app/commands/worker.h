// `sluice worker`: serves until it is told to stop.
#pragma once

#include "commands/command.h"

namespace sluice::commands {

void add_worker(CLI::App& cli, int& code);

}  // namespace sluice::commands
