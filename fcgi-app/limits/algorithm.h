// The arithmetic of each algorithm: pure, in integers, with time as an argument.
//
// store/redis/take.lua tests and charges by the same arithmetic, inside Redis; the conformance
// suite holds the two together. Balances are computed here alone, for every store.
#pragma once

#include <optional>

#include "limits/bucket.h"
#include "limits/charge.h"

namespace sluice::limits {

struct Step {
  bool fits = false;             // whether the cost may be charged; a peek (cost 0) always fits
  std::optional<Bucket> before;  // as it stands now; nullopt is a full quota
  std::optional<Bucket> after;   // with the cost in it, or as before where that does not fit
  Duration keep_for{};           // how long `after` differs from a full quota; more than 0 if set
  std::int64_t units = 0;        // that `after` has more than `before`; of a refund: fewer
};

// Tests and charges `cost` units (0 to kMaxQuota) of `limit`. What `stored` holds is first
// moved to `now`. A closed window is dropped. So is a window in the future, which a clock that was
// set back leaves behind: the caller gains one quota at most, and nobody waits for the clock. (The
// level of a bucket that lies ahead by no more than a window, or than it takes to drain, is waited
// for.) Where the limit is not the one that `stored` was charged by, limit.on_change says what
// becomes of it.
[[nodiscard]] Step take(const std::optional<Bucket>& stored, const Limit& limit, std::int64_t cost,
                        TimePoint now);

// The same of any charge: what its move says.
[[nodiscard]] Step step(const std::optional<Bucket>& stored, const Charge& charge, TimePoint now);

// The view of a bucket, for a cost that may have to wait.
[[nodiscard]] View view(const std::optional<Bucket>& bucket, const Limit& limit, std::int64_t cost,
                        TimePoint now);

// Whether take() can have left such a view at `now`, for a cost as of balance(). What Redis replies
// is a view of what Redis holds, which anybody may have written.
[[nodiscard]] bool is_sound(const View& view, const Limit& limit, std::int64_t cost, TimePoint now);

// Where `units` are that were charged when the bucket came to look so.
[[nodiscard]] Trace trace_of(const View& after, std::int64_t units, const Terms& terms);

// What is left of `limit`, by a view that stands as of `now`, and how long `cost` has to wait.
// REQUIRES: is_sound(), and the cost does not fit or is 0.
[[nodiscard]] Balance balance(const View& view, const Limit& limit, std::int64_t cost,
                              TimePoint now);

}  // namespace sluice::limits
