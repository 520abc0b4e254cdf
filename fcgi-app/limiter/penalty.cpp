#include "limiter/penalty.h"

#include <algorithm>

namespace sluice::limiter {
namespace {

using limits::Charge;
using limits::Limit;

constexpr std::string_view kName = "@locked";
constexpr std::string_view kDenialsName = "@denials";
// Whether the limit's bucket is of this session (or user), or else of this address.
bool counts_caller(const Limit& limit, const identity::Identity& identity, std::string_view route) {
  using limits::Fact;
  if (identity.standing != Standing::kKnown) return counts_address(limit, identity, route);
  return limit.scope.has(Fact::kSession) || limit.scope.has(Fact::kUser) ||
         limit.scope.has(Fact::kApiKey);
}

// Doubling that often reaches any `most`, and shifts no bit out.
constexpr std::int64_t kRungs = 30;

}  // namespace

Penalty::Penalty(const KeySpace& keys, Options options)
    : keys_(keys),
      options_(options),
      denials_{.name = std::string(kDenialsName),
               .rate = {1, {options.forget.count(), limits::Unit::kSecond}}} {
  denials_.algorithm = limits::Algorithm::kLeakyBucket;
  denials_.burst = options.after + kRungs;
}

limits::Bar Penalty::lock_out(const identity::Identity& identity,
                              std::chrono::seconds length) const {
  return {key(kName, identity), length};
}

bool Penalty::is_own(const limits::Decision& decision, const identity::Identity& identity,
                     std::string_view route) {
  if (decision.crowded) return false;
  for (std::size_t i = 0; i < decision.balances.size(); ++i) {
    const Limit& limit = *decision.limits[i];
    // Without a unit in use there is no bucket: nothing is kept for who asks too much at once.
    const bool in_use = decision.balances[i].remaining < limit.terms().capacity;
    if (in_use && decision.denied_by(i) && counts_caller(limit, identity, route)) return true;
  }
  return false;
}

Charge Penalty::denial(const identity::Identity& identity) const {
  return {key(kDenialsName, identity), &denials_, 1};
}

std::chrono::seconds Penalty::due(std::int64_t remaining) const {
  const std::int64_t rung = kRungs - remaining;  // 1 for the first denial above `after`
  if (rung <= 0) return {};
  return std::min(options_.most, options_.first * (std::int64_t{1} << (rung - 1)));
}

std::string Penalty::key(std::string_view name, const identity::Identity& identity) const {
  return identity.standing == Standing::kKnown ? session_key(keys_, name, identity)
                                               : address_key(keys_, name, identity);
}

}  // namespace sluice::limiter
