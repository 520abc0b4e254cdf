// What becomes of a bucket whose limit has changed while it is in use.
#pragma once

#include <optional>

#include "limits/arithmetic.h"

namespace sluice::limits {

// The state of `bucket` as m.limit.on_change has it, in terms of m.terms; not rolled to them yet.
// Whole units count: a fraction of a bucket in use is rounded up. Another algorithm, or a sliding
// window of another length, finds them charged at once: when the fixed or the sliding window
// opened, when the newest unit of the log came, when the level was taken. No count exceeds the
// capacity.
//
// A denial stores nothing, so this is asked again at each decision until one charges: all that it
// takes of the present is what has passed by the old limit. So a wait that it was told is enough.
[[nodiscard]] std::optional<State> changed(const Bucket& bucket, const Moment& m);

}  // namespace sluice::limits
