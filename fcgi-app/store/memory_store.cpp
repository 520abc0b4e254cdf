#include "store/memory_store.h"

#include <algorithm>

#include <fmt/format.h>

namespace sluice::store {

using limits::Charge;
using limits::Decision;
using limits::Step;

Task<Result<Decision>> MemoryStore::take(std::span<const Charge> charges,
                                         std::optional<TimePoint> now) {
  const TimePoint at = now.value_or(clock_.now());
  sweep(at);
  const auto step = [&](const Charge& charge, std::int64_t cost) {
    const auto found = buckets_.find(charge.key);
    const bool exists = found != buckets_.end();
    return limits::fixed_window(exists ? std::optional(found->second) : std::nullopt, *charge.limit,
                                cost, at);
  };
  std::vector<Step> steps;
  for (const Charge& charge : charges) steps.push_back(step(charge, charge.cost));

  Decision decision{.store = limits::StoreState::kAnswered, .at = at, .limits = {}, .balances = {}};
  decision.allowed =
      std::all_of(steps.begin(), steps.end(), [](const Step& tested) { return tested.fits; });
  for (std::size_t i = 0; i < charges.size(); ++i) {
    const Charge& charge = charges[i];
    if (decision.allowed && charge.cost > 0) {
      buckets_.insert_or_assign(charge.key, *steps[i].state);
    }
    const bool spared = !decision.allowed && steps[i].fits;  // another limit denied
    decision.limits.push_back(charge.limit);
    decision.balances.push_back(spared ? step(charge, 0).balance : steps[i].balance);
  }
  co_return decision;
}

std::string MemoryStore::dump() const {
  std::vector<std::string> lines;
  for (const auto& [key, bucket] : buckets_) {
    lines.push_back(
        fmt::format("{}={} {}", key, bucket.used, microseconds_since_epoch(bucket.opened_at)));
  }
  std::sort(lines.begin(), lines.end());
  return fmt::format("{}", fmt::join(lines, ","));
}

void MemoryStore::sweep(TimePoint now) {
  if (buckets_.size() < sweep_at_) return;
  std::erase_if(buckets_, [&](const auto& bucket) {
    return bucket.second.opened_at + bucket.second.window <= now;
  });
  sweep_at_ = std::max(options_.sweep_at, buckets_.size() * 2);
}

}  // namespace sluice::store
