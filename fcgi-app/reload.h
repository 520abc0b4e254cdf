// What of a config that was edited takes effect in a worker that runs, and what does not.
#pragma once

#include <string>

#include "config/config.h"
#include "policy/policy.h"

namespace sluice {

// What requests are decided by.
[[nodiscard]] policy::Rules rules_of(const config::Config& config);

// The settings, by name and joined by commas, in which `edited` differs from `running` and that
// take a restart: the rest of `edited` is of rules_of(). Empty if there are none.
[[nodiscard]] std::string settings_for_restart(const config::Config& running,
                                               const config::Config& edited);

}  // namespace sluice
