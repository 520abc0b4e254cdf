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
  std::string_view key;  // of one of the charges
  Bucket bucket;
  Duration keep_for{};  // more than 0; after it the bucket says no more than no bucket
};

// A bar to be set up.
struct Raised {
  std::string_view key;
  TimePoint until{};  // later than now
};

// A mark to be written.
struct Marked {
  std::string_view key;
  std::string bytes;  // its value, and the receipts of the charges
  Duration keep_for{};
};

struct Outcome {
  Decision decision;
  std::vector<Change> changes;  // empty after a denial, as are the bars and the mark
  std::vector<Raised> bars;
  std::optional<Marked> mark;
};

// What a store holds under a key; nothing where it holds nothing.
struct Lookup {
  std::function<std::optional<Bucket>(std::string_view key, const Limit& limit)> bucket;
  // Until when it stands.
  std::function<std::optional<TimePoint>(std::string_view key)> bar = {};
  std::function<std::optional<std::string>(std::string_view key)> mark = {};
};

// Charges every limit that enforces and sets up every bar that is to be, or none of them. Where a
// bar stands, or the mark is not as expected, nothing is charged. A limit in shadow mode is charged
// with the others, where the cost fits it. The store says what the decision's source is.
[[nodiscard]] Outcome decide(const Ask& ask, const Lookup& stored, TimePoint now);

}  // namespace sluice::limits
