// What a Redis does with counts when its memory is full.
#pragma once

#include <string>

#include "base/result.h"
#include "redis/link.h"

namespace sluice::commands {

// Asks it, within the time-outs of the options. Yields the policy by which it throws keys out;
// empty if it throws none out. Error: kStoreUnavailable, with the reason.
[[nodiscard]] Result<std::string> eviction_of(const redis::Link::Options& options);

}  // namespace sluice::commands
