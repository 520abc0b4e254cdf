// One decision over buckets that are at hand: for stores that keep them in memory, and the model
// that take.lua is held against.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "limits/algorithm.h"

namespace sluice::limits {

// A bucket to be written.
struct Change {
  std::string_view key;  // of one of the charges, or of its guards
  Bucket bucket;
  Duration keep_for{};  // more than 0; after it the bucket says no more than no bucket
};

struct Outcome {
  Decision decision;
  std::vector<Change> changes;  // empty after a denial
};

// The bucket under a key that is charged by `limit`, if there is one.
using Lookup = std::function<std::optional<Bucket>(std::string_view key, const Limit& limit)>;

// Charges every limit that enforces, or none. One in shadow mode is charged with them, where the
// cost fits it. A charge that would open a bucket goes to the shared one of its first guard that
// has no room, or is counted by all of its guards.
[[nodiscard]] Outcome decide(std::span<const Charge> charges, const Lookup& stored, TimePoint now);

}  // namespace sluice::limits
