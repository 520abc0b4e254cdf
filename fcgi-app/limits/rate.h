// The grammar of a rate, as SlowAPI and Python's `limits` write it.
#pragma once

#include <string_view>

#include "base/result.h"
#include "limits/limit.h"

namespace sluice::limits {

// Reads `N/[M ]unit[s]` or `N per [M ]unit[s]`, as in "8/10s", "8/10 seconds", "10 per minute".
// Units: ms, s, m (minute), h, d and their words, from millisecond to day; case does not matter.
// The error (kInvalidConfig) says what is wrong with this text, without file or line.
[[nodiscard]] Result<Rate> parse_rate(std::string_view text);

}  // namespace sluice::limits
