// The memory that the workers of a host share, opened: by workers, and by operators.
#pragma once

#include <string>

#include "limiter/newcomers.h"
#include "shm/segment.h"
#include "telemetry/counters.h"
#include "telemetry/log.h"

namespace sluice::policy {

// An id belongs to one region for ever. Version and size are those of the class that uses it.
inline constexpr shm::Region kNewcomersRegion{1, limiter::Newcomers::kLayout,
                                              limiter::Newcomers::kBytes};
inline constexpr shm::Region kCountersRegion{2, telemetry::Counters::kLayout,
                                             telemetry::Counters::kBytes};

// The regions of `file`, or an error, as of shm::Segment::open().
[[nodiscard]] Result<shm::Segment> open_shared(const std::string& file, bool create);

// The regions of `file`. A worker makes what is missing (`create`); an operator, who does not, has
// the newcomers alone. Where the file cannot be used, or is "", it is memory of this process alone;
// the log says why. Error: kSystem.
[[nodiscard]] Result<shm::Segment> open_regions(const std::string& file, bool create,
                                                telemetry::Log& log);

}  // namespace sluice::policy
