// Days, weeks, months and years as people of a time zone have them.
#pragma once

#include <array>
#include <string_view>

#include "base/clock.h"
#include "limits/limit.h"

namespace sluice::limits {

// The start of the period that holds a moment, its end, and the end of the next one.
using Boundaries = std::array<TimePoint, 3>;

// Whether the system's time zone database (tzdata) knows `name`, as in "UTC" or "Europe/Berlin".
[[nodiscard]] bool is_time_zone(std::string_view name);

// The period around `now`. A day begins at 00:00 local time, or where clocks skip that, with the
// first moment after it; where they show it twice, at the first of the two. A week begins on
// Monday (ISO 8601). Daylight saving is known to 2037, as far as libdate reads the rules of a zone.
// REQUIRES: unit is kDay, kWeek, kMonth or kYear; is_time_zone(zone).
[[nodiscard]] Boundaries calendar_boundaries(Unit unit, std::string_view zone, TimePoint now);

}  // namespace sluice::limits
