// The arithmetic of each algorithm: pure, in integers, with time as an argument.
//
// store/redis/take.lua holds the same arithmetic once more, for Redis; the conformance suite holds
// the two together.
#pragma once

#include <optional>

#include "limits/charge.h"

namespace sluice::limits {

// A fixed window: opens at its first unit and closes when the limit's window has passed.
struct FixedWindow {
  std::int64_t used = 0;
  TimePoint opened_at{};
  Duration window{};  // of the limit at the last charge: for how long this is worth keeping
  bool operator==(const FixedWindow&) const = default;
};

struct Step {
  bool fits = false;                 // whether the cost may be charged
  std::optional<FixedWindow> state;  // with the charge in it if it fits, else as it was
  Balance balance;                   // of `state`, with the wait of a cost that does not fit
};

// Tests and charges `cost` units (0 to kMaxQuota; 0 peeks and always fits) of `limit` against
// `state`; nullopt is a full quota, and so is a window that has closed. It closes by the limit as
// it is now, so a shorter window takes effect at once; and one that opens in the future, as a clock
// set back leaves it behind, counts as closed: at most one more quota, and nobody waits for the
// clock.
[[nodiscard]] Step fixed_window(std::optional<FixedWindow> state, const Limit& limit,
                                std::int64_t cost, TimePoint now);

}  // namespace sluice::limits
