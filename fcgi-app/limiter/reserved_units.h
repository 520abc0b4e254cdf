// How many units of a bucket are reserved: charged by an estimate, and neither settled nor over.
//
// They are counted in counters beside the bucket, which are buckets themselves: one for each part
// of the time at whose end reservations are over. What charges or refunds the bucket changes them
// in the same call, so no reader sees one without the other. They deny nobody, and end by
// themselves: a reservation that nobody settles is counted for an eighth of its time longer at
// most (a second at least).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "limits/limit.h"

namespace sluice::limiter {

// As what the counters of reservations that live for `settle_within` (a second to a day) are
// charged.
[[nodiscard]] limits::Limit reserved_counter(Duration settle_within);

// The counter of the bucket `key` for a reservation that is over at `until`.
[[nodiscard]] std::string reserved_key(std::string_view key, Duration settle_within,
                                       TimePoint until);

// All counters of the bucket that can hold what is still reserved: at most 18.
[[nodiscard]] std::vector<std::string> reserved_keys(std::string_view key, Duration settle_within,
                                                     TimePoint now);

}  // namespace sluice::limiter
