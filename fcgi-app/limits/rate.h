// The grammar of a rate, as SlowAPI and Python's `limits` write it.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "limits/limit.h"

namespace sluice::limits {

// Reads `N/[M ]unit[s]` or `N per [M ]unit[s]`, as in "8/10s", "8/10 seconds", "10 per minute".
// Units: ms, s, m (minute), h, d, w, mo (month), y and their words, from millisecond to year; case
// does not matter. The error (kInvalidConfig) says what is wrong with this text, without file or
// line.
[[nodiscard]] Result<Rate> parse_rate(std::string_view text);

// Reads one rate or several, at most kMaxLimits, with `;`, `,` or `|` between them, as in
// "100/day; 10/minute". No two have a window of the same length. Error: as parse_rate().
[[nodiscard]] Result<std::vector<Rate>> parse_rates(std::string_view text);

}  // namespace sluice::limits
