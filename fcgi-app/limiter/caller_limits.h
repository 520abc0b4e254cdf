// Which buckets somebody has over all routes, and how they stand.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "limiter/limiter.h"

namespace sluice::limiter {

// One bucket, by its limit.
struct CallerLimit {
  const limits::Limit* limit = nullptr;  // lives as long as the plans
  std::vector<std::string_view> routes;  // where the limit applies, of those asked about
  std::string_view route;                // whose bucket it is, or the first of `routes`
  limits::Balance balance = {};
  std::optional<std::int64_t> reserved = std::nullopt;  // of what is used; where that can be

  [[nodiscard]] std::int64_t used() const { return limit->terms().capacity - balance.remaining; }
};

// The buckets of `identity` on `routes`, in their order: one for each limit, or one a route where
// it is counted per route. What routes hold lives elsewhere, and as long as the list.
[[nodiscard]] std::vector<CallerLimit> caller_limits(const limits::Plans& plans,
                                                     const identity::Identity& identity,
                                                     std::span<const std::string_view> routes);

// The limits of `list` that meet `one` on some route; itself too.
[[nodiscard]] limits::LimitSet limits_beside(std::span<const CallerLimit> list,
                                             const CallerLimit& one);

// The limits at the front of `list` that can be asked for at once: those of its first route.
[[nodiscard]] limits::LimitSet limits_at_front(std::span<const CallerLimit> list);

// Fills in the balances, by one peek for each route that has a bucket in the list; yields how many
// there are. Error: kStoreUnavailable. REQUIRES: the arguments outlive the task.
[[nodiscard]] Task<Result<std::size_t>> peek_at(std::vector<CallerLimit>& list, Limiter& limiter,
                                                const identity::Identity& identity);

}  // namespace sluice::limiter
