#include "store/redis/guard_hints.h"

#include <functional>

namespace sluice::store::redis {
namespace {

constexpr Duration kCrowdLasts = std::chrono::seconds(10);
// Between sending and deciding: no more than Redis is waited for by default.
constexpr Duration kOnTheWay = std::chrono::milliseconds(100);

std::size_t hash_of(std::string_view key) {
  return std::hash<std::string_view>()(key);
}

}  // namespace

bool GuardHints::is_open(std::string_view key, TimePoint now) const {
  const std::size_t hash = hash_of(key);
  const Seen& seen = seen_.at(hash % kPlaces);
  return seen.hash == hash && now + kOnTheWay < seen.open_until;
}

void GuardHints::learn(std::span<const limits::Charge> charges, const limits::Decision& decision) {
  if (decision.crowded) {
    crowded_until_ = decision.at + kCrowdLasts;
    return;  // some balance is of a shared bucket
  }
  for (std::size_t i = 0; i < charges.size(); ++i) {
    const Duration reset_after = decision.balances[i].reset_after;
    if (charges[i].guards.empty() || reset_after == Duration::zero()) continue;
    const limits::Limit& limit = *charges[i].limit;
    const std::size_t hash = hash_of(charges[i].key);
    const Duration open_for = is_bucket(limit.algorithm) ? limit.lifetime() : reset_after;
    seen_.at(hash % kPlaces) = {hash, decision.at + open_for};
  }
}

void GuardHints::doubt(TimePoint at) {
  seen_ = {};
  crowded_until_ = at + kCrowdLasts;
}

}  // namespace sluice::store::redis
