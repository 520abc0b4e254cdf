// What became of the charges of a decision, as it stands behind the value of its mark.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "limits/bucket.h"

namespace sluice::limits {

struct Receipt {
  std::int64_t units = 0;  // that were charged, or refunded
  View after;              // how the bucket stood then
  bool operator==(const Receipt&) const = default;
};

struct Receipts {
  TimePoint at{};  // the store's time of the decision
  std::vector<Receipt> charges;
  bool operator==(const Receipts&) const = default;
};

// 8 at, and for each charge 4 units and the view; little-endian.
void append(std::string& bytes, const Receipts& receipts);

// The receipts at the front of `bytes`, of charges of limits with these algorithms. nullopt where
// there is less, or more.
[[nodiscard]] std::optional<Receipts> decode_receipts(std::string_view bytes,
                                                      std::span<const Algorithm> algorithms);

}  // namespace sluice::limits
