// One decision over buckets that are at hand: for stores that keep them in memory, and the model
// that take.lua is held against.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "limits/algorithm.h"

namespace sluice::limits {

// A bucket to be written: of charge number `charge`.
struct Change {
  std::size_t charge = 0;
  Bucket bucket;
  Duration keep_for{};  // more than 0; after it the bucket says no more than no bucket
};

struct Outcome {
  Decision decision;
  std::vector<Change> changes;  // empty after a denial
};

// Charges every limit that enforces, or none. One in shadow mode is charged with them, where the
// cost fits it. `stored` holds the bucket of each charge, if there is one.
[[nodiscard]] Outcome decide(std::span<const Charge> charges,
                             std::span<const std::optional<Bucket>> stored, TimePoint now);

}  // namespace sluice::limits
