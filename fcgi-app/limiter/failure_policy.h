// What is decided where no store could: each limit says it for itself (on_store_error).
#pragma once

#include "base/result.h"
#include "limits/charge.h"
#include "limits/plan.h"

namespace sluice::limiter {

// Allowed where every limit that enforces allows it. A store that is there and answers nonsense
// (kStoreFault) allows nothing: whoever can make it do so must gain nothing by it. `why` is
// kStoreUnavailable or kStoreFault.
[[nodiscard]] limits::Decision decide_without_store(const limits::LimitSet& limits, ErrorCode why);

}  // namespace sluice::limiter
