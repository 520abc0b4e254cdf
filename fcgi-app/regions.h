// The memory that the workers of a host share, opened: by workers, and by operators.
#pragma once

#include <string>

#include "limiter/newcomers.h"
#include "shm/segment.h"
#include "telemetry/log.h"

namespace sluice {

// An id is one region's for ever. What is in it says which version and size it has.
inline constexpr shm::Region kNewcomersRegion{1, limiter::Newcomers::kLayout,
                                              limiter::Newcomers::kBytes};

// The regions of `file`, which is made if `create`; of an operator, who makes nothing, those that
// it asks. Where the file does not suit, or is "", they are memory of this process alone; the log
// says why. Error: kSystem.
[[nodiscard]] Result<shm::Segment> open_regions(const std::string& file, bool create,
                                                telemetry::Log& log);

}  // namespace sluice
