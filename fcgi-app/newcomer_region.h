// The memory that the workers of a host count newcomers in, opened: by workers, and by operators.
#pragma once

#include <string>

#include "base/result.h"
#include "shm/region.h"
#include "telemetry/log.h"

namespace sluice {

// Memory for a limiter::Newcomers: that of `file`, which is made if `create`. Where that cannot be
// opened, or is "", it is this process's own; the log says why. Error: kSystem.
[[nodiscard]] Result<shm::Region> open_newcomers(const std::string& file, bool create,
                                                 telemetry::Log& log);

}  // namespace sluice
