#include "store/redis/guard_hints.h"

#include <algorithm>
#include <functional>

namespace sluice::store::redis {
namespace {

using limits::Charge;

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

void GuardHints::learn(std::span<const Charge> charges, const limits::Decision& decision) {
  if (decision.crowded) return expect_crowd(decision.at);  // some balance is of a shared bucket
  for (std::size_t i = 0; i < charges.size(); ++i) {
    const Charge& charge = charges[i];
    // Until it is unused; one that drains unit by unit is kept for longer, from its last charge on.
    Duration open_for = decision.balances[i].reset_after;
    if (charge.guards.empty() || open_for == Duration::zero()) continue;
    const bool charged = decision.allowed && charge.cost > 0 && !decision.lacks_room(i);
    if (charged && is_bucket(charge.limit->algorithm)) open_for = charge.limit->lifetime();
    const std::size_t hash = hash_of(charge.key);
    Seen& seen = seen_.at(hash % kPlaces);
    const TimePoint until = decision.at + open_for;
    seen = {hash, seen.hash == hash ? std::max(seen.open_until, until) : until};
  }
}

void GuardHints::expect_crowd(TimePoint at) {
  crowded_until_ = at + kCrowdLasts;
}

}  // namespace sluice::store::redis
