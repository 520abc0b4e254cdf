// `sluice check FILE`: says all that is wrong with a config.
#pragma once

#include "commands/command.h"

namespace sluice::commands {

void add_check(CLI::App& cli, int& code);

}  // namespace sluice::commands
