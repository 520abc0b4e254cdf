// What becomes of a bucket whose limit has changed while it is in use.
#pragma once

#include <optional>

#include "limits/arithmetic.h"

namespace sluice::limits {

// The state of `bucket` as m.limit.on_change has it, in terms of m.terms; not rolled to them yet.
// Whole units count: a fraction in use is rounded up. Another algorithm finds the used units
// charged at once, just now. Never more than the capacity is in use.
[[nodiscard]] std::optional<State> changed(const Bucket& bucket, const Moment& m);

}  // namespace sluice::limits
