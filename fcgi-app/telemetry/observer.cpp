#include "telemetry/observer.h"

#include "limits/handed_over.h"

namespace sluice::telemetry {

using limits::Decision;
using limits::Limit;
using limits::Source;

namespace {

// A limit is counted by its name and by the list that it stands in (list_of(), without a string for
// it).
std::size_t number_of(Counters& counters, const Limit& limit) {
  if (!limit.plan.empty()) return counters.limits().number({limit.name, " plan:", limit.plan});
  return counters.limits().number({limit.name, limit.tenant.empty() ? " defaults" : " tenants"});
}

// Of its fifths the last, or nothing at all, is left.
bool is_near(const Limit& limit, const limits::Balance& balance) {
  const std::int64_t most = limit.burst > 0 ? limit.burst : limit.quota();
  return balance.remaining <= most / 5;
}

// Whether an allowed decision charged any limit: one in shadow mode that lacks room is not charged.
bool has_charged(const Decision& decision) {
  for (std::size_t i = 0; i < decision.balances.size(); ++i) {
    if (!decision.lacks_room(i)) return true;
  }
  return false;
}

}  // namespace

Observer::Observer(std::span<std::byte> memory, Log* log) : counters_(memory), denials_(log) {
  if (counters_.has_slot() || !log) return;
  log->warning("requests are counted by this worker alone",
               {{"reason", "every slot for a worker's counts is taken"}});
}

void Observation::decided(const Decision& decision, const identity::Identity& identity,
                          const limits::Cost& cost) {
  is_counted_ = decision.source == Source::kNginx;
  if (is_counted_) return;
  const auto now = std::chrono::steady_clock::now();
  if (told_) told_->tenant = identity.proved_tenant();
  if (told_ && told_->hands_over) {
    told_->handed_over = limits::hand_over(identity.who(route_name_), decision);
  }
  observer_.counters_.add_duration(Timed::kDecision,
                                   std::chrono::duration_cast<Duration>(now - began_));
  const bool would_deny = count(decision, identity, cost.requests);
  if (decision.allowed && !would_deny) return;
  observer_.denials_.tell({decision, identity, route_name_, cost}, denials_, now);
}

bool Observation::count(const Decision& decision, const identity::Identity& identity,
                        std::int64_t cost) {
  Counters& counters = observer_.counters_;
  outcome_ = decision.allowed ? Outcome::kAllowed : Outcome::kDenied;
  if (decision.source == Source::kOnStoreError) {
    counters.add(Counters::of(Total::kOnStoreError));
    if (!decision.allowed) outcome_ = Outcome::kFailed;
    return false;
  }
  if (decision.crowded) counters.add(Counters::of(Total::kCrowded));
  if (!decision.allowed) {
    if (decision.barred_by != limits::BarredBy::kNone) counters.add(Counters::of(Total::kBarred));
    const std::string_view tenant = identity.proved_tenant();
    if (!tenant.empty()) counters.add(Counters::of_tenant(counters.tenants().number({tenant})));
  } else if (cost > 0 && has_charged(decision)) {
    counters.add(Counters::of(Total::kUnits), static_cast<std::uint64_t>(cost));
  }
  return cost > 0 && count_limits(decision);
}

bool Observation::count_limits(const Decision& decision) {
  Counters& counters = observer_.counters_;
  bool would_deny = false;
  for (std::size_t i = 0; i < decision.balances.size(); ++i) {
    const Limit& limit = *decision.limits[i];
    const auto count = [&](LimitEvent event) {
      counters.add(Counters::of_limit(number_of(counters, limit), event));
    };
    if (decision.lacks_room(i)) {
      const bool is_shadow = limit.mode == limits::Mode::kShadow;
      would_deny = would_deny || is_shadow;
      if (is_shadow || !decision.allowed)
        count(is_shadow ? LimitEvent::kShadowDenied : LimitEvent::kDenied);
    } else if (decision.allowed && is_near(limit, decision.balances[i])) {
      count(LimitEvent::kNear);
    }
  }
  return would_deny;
}

}  // namespace sluice::telemetry
