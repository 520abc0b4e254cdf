// What one request costs.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "limits/limit.h"

namespace sluice::limits {

struct UnitCost {
  std::string_view unit;
  std::int64_t units = 1;
};

struct Cost {
  // NOLINTNEXTLINE(google-explicit-constructor): mostly it is this one number
  Cost(std::int64_t count) : requests(count) {}

  std::int64_t requests;         // 0: the request is free, and all limits are only looked at
  std::vector<UnitCost> others;  // a few, each of another unit
  // Where `estimate` is set, what the request costs in that unit is reserved, until somebody says
  // what it cost (limiter/reservations.h) or `settle_within` has passed.
  std::optional<UnitCost> estimate = std::nullopt;
  Duration settle_within{};

  // nullopt: the request does not count there.
  [[nodiscard]] std::optional<std::int64_t> of(const Limit& limit) const {
    if (limit.unit.empty() || requests == 0) return requests;
    const auto found = std::find_if(others.begin(), others.end(), [&](const UnitCost& other) {
      return other.unit == limit.unit;
    });
    return found == others.end() ? std::nullopt : std::optional(found->units);
  }
};

}  // namespace sluice::limits
