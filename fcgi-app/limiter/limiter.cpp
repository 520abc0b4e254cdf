#include "limiter/limiter.h"

#include <algorithm>

#include <fmt/format.h>

#include "identity/address/client_ip.h"
#include "limiter/by_tag.h"
#include "limiter/counting.h"
#include "limiter/failure_policy.h"
#include "telemetry/task_failures.h"

namespace sluice::limiter {
namespace {

using limits::Bar;
using limits::BarredBy;
using limits::Charge;
using limits::Decision;
using limits::Limit;
using limits::LimitSet;

// A crowd is told of no more often.
constexpr Duration kCrowdPause = std::chrono::minutes(1);

// What the clocks of workers may differ by: a session that is ended must not outlive its mark.
constexpr Duration kClockSlack = std::chrono::minutes(1);

constexpr std::string_view kEndedName = "@ended";

// For the log: the address, where that is counted.
std::string address_of(const identity::Identity& identity) {
  if (identity.standing == Standing::kKnown) return "";
  return identity::readable_address(identity.address);
}

LimitSet limits_of(const std::vector<Charge>& charges) {
  LimitSet limits;
  for (const Charge& charge : charges) limits.push_back(charge.limit);
  return limits;
}

Limit endings_a_day(std::int64_t quota) {
  return {.name = std::string(kEndedName), .rate = {quota, {1, limits::Unit::kDay}}};
}

// How many of a tenant's sessions one network may end in a day; 0: no bound, as there is none at
// all.
std::int64_t share_of_network(const Newcomers::Options& most) {
  if (most.per_tenant == 0) return most.per_network;
  const std::int64_t tenth = std::max<std::int64_t>(1, most.per_tenant / 10);
  return most.per_network == 0 ? tenth : std::min(tenth, most.per_network);
}

// What the limiter makes of the bars: of a session first, where one is shown, then of a lock-out.
void judge_bars(Decision& decision, bool shows_session, std::int64_t cost) {
  const std::size_t lock_out = shows_session ? 1 : 0;
  if (shows_session && decision.bars[0] > Duration::zero()) {
    decision.barred_by = BarredBy::kEndedSession;
  } else if (decision.bars.at(lock_out) > Duration::zero()) {
    decision.barred_by = BarredBy::kLockOut;
    decision.barred_for = decision.bars.at(lock_out);
  }
  // A lock-out is from what costs something.
  if (decision.barred_by != BarredBy::kLockOut || cost > 0) return;
  decision.allowed = true;
  for (std::size_t i = 0; i < decision.limits.size(); ++i) {
    const bool enforces = decision.limits[i]->mode != limits::Mode::kShadow;
    if (enforces && decision.lacks_room(i)) decision.allowed = false;
  }
}

// Whether the charge has found no unit in use.
bool has_opened(const Decision& decision, std::size_t i, const Charge& charge) {
  return charge.cost > 0 && !decision.lacks_room(i) &&
         decision.balances[i].remaining == charge.limit->terms().capacity - charge.cost;
}

// Of what a reservation asked besides, the caller is told nothing.
void drop_counters(Decision& decision, std::size_t limits) {
  decision.limits.resize(limits);
  decision.balances.resize(limits);
}

}  // namespace

Limiter::Limiter(store::BucketStore& store, const Clock& clock, std::span<std::byte> newcomers,
                 Options options, telemetry::Log* log)
    : store_(store),
      clock_(clock),
      options_(std::move(options)),
      log_(log),
      newcomers_(options_.newcomers, newcomers),
      penalty_(options_.keys, options_.penalty),
      reservations_(store_, options_.keys),
      endings_(endings_a_day(options_.newcomers.per_tenant)),
      own_endings_(endings_a_day(share_of_network(options_.newcomers))),
      tasks_(log ? telemetry::log_failures(*log) : [](std::string_view, std::string_view) {}) {}

Task<Decision> Limiter::decide(const LimitSet& limits, const identity::Identity& identity,
                               std::string_view route, limits::Cost cost) {
  std::vector<Charge> charges = charges_of(limits, identity, route, cost);
  const std::vector<Bar> bars = bars_of(identity);
  if (charges.empty() && bars.empty()) co_return Decision{};
  const TimePoint now = clock_.now();
  const bool is_near = newcomers_.is_any_near(now);
  Places places;
  if (is_near) places = co_await find_places(charges, identity, route, now);
  const auto id = cost.requests > 0 ? std::optional(ids_.next()) : std::nullopt;
  std::unique_ptr<const Reservations::Draft> draft;
  if (cost.estimate && id) draft = reservations_.draft(charges, cost, *id, now);
  limits::Ask ask{charges, bars};
  if (draft) ask = {draft->charges, bars, &draft->mark};
  auto taken = co_await take_by_tag(store_, ask);
  if (taken && draft) drop_counters(*taken, charges.size());
  Decision decision =
      taken ? std::move(*taken) : decide_without_store(limits_of(charges), taken.error().code);
  decision.id = id;
  if (!taken) co_return decision;
  // It needs an answer before the caller goes on: who settles may ask another worker.
  if (draft && decision.allowed) (void)co_await reservations_.publish(draft->mark, *id);
  decision.crowded = places.crowded;
  judge_bars(decision, identity.session.has_value(), cost.requests);
  for (auto& [i, place] : places.reserved) {
    if (decision.allowed && has_opened(decision, i, charges[i])) {
      place.take(charges[i].key, decision.at);
    }
  }
  if (!is_near && decision.allowed && cost.requests > 0) learn(decision, charges, identity, route);
  if (decision.crowded) note_crowd(decision, identity);
  const bool denied = !decision.allowed && decision.barred_by == BarredBy::kNone;
  if (denied && penalty_.is_on() && Penalty::is_own(decision, identity, route)) {
    tasks_.start("count a denial", count_denial(identity));  // which the answer need not wait for
  }
  co_return decision;
}

std::vector<Charge> Limiter::charges_of(const LimitSet& limits, const identity::Identity& identity,
                                        std::string_view route, const limits::Cost& cost) const {
  std::vector<Charge> charges;
  charges.reserve(limits.size());
  for (const Limit* limit : limits) {
    const auto units = cost.of(*limit);
    if (units)
      charges.push_back({bucket_key(options_.keys, *limit, identity, route), limit, *units});
  }
  return charges;
}

std::vector<Bar> Limiter::bars_of(const identity::Identity& identity) const {
  std::vector<Bar> bars;
  if (identity.session) bars.push_back({session_key(options_.keys, kEndedName, identity)});
  if (penalty_.is_on() && identity.standing != Standing::kExempt) {
    bars.push_back(penalty_.lock_out(identity));
  }
  return bars;
}

// Of many denials at once one counts: a page that asks 30 things in parallel is no abuse.
Task<void> Limiter::count_denial(identity::Identity identity) {
  identity.token = {};  // it is in the request's memory, which may go meanwhile
  const std::vector<Charge> denial{penalty_.denial(identity)};
  std::vector<Bar> lock_out{penalty_.lock_out(identity)};
  Counting counting(counting_, denial[0].key);
  if (!counting.is_first()) co_return;
  const auto counted = co_await store_.take({denial, lock_out}, std::nullopt);
  counting.end();
  if (!counted || counted->is_barred()) co_return;
  const auto seconds = penalty_.due(counted->lacks_room(0) ? 0 : counted->balances[0].remaining);
  if (seconds.count() == 0) co_return;
  lock_out[0].set_for = seconds;
  const auto begun = co_await store_.take({{}, lock_out}, std::nullopt);
  if (!begun || !begun->allowed || !log_) co_return;
  const std::string length = fmt::to_string(seconds.count());
  const std::string address = address_of(identity);
  log_->warning("locked out", {{"tenant", identity.proved_tenant()},
                               {"user", identity.user},
                               {"api_key", identity.api_key},
                               {"address", address},
                               {"seconds", length}});
}

// Near a bound: a place for each bucket that this decision may open. Newcomers for whom there is
// none are sent to the bucket that they share. Who is not known here may be known to another host,
// so the store is asked: a bucket in use is its caller's.
Task<Limiter::Places> Limiter::find_places(std::vector<Charge>& charges,
                                           const identity::Identity& identity,
                                           std::string_view route, TimePoint now) {
  Places places;
  for (std::size_t i = 0; i < charges.size(); ++i) {
    Charge& charge = charges[i];
    auto crowds = newcomers_.crowds_of(*charge.limit, identity, route);
    if (crowds.empty() || newcomers_.knows(charge.key, crowds.front().window, now)) continue;
    const bool opens = charge.cost > 0;
    const Newcomers::Crowd* const full =
        opens ? newcomers_.reserve(crowds, now) : newcomers_.full(crowds, now);
    if (!full) {
      if (opens) places.reserved.emplace_back(i, Newcomers::Place(newcomers_, std::move(crowds)));
      continue;
    }
    const std::vector<Charge> peek{{charge.key, charge.limit, 0}};
    const auto seen = co_await store_.take({peek}, std::nullopt);
    if (!seen) break;  // as the decision itself will find
    if (seen->balances[0].remaining < charge.limit->terms().capacity) continue;
    charge.key = shared_key(options_.keys, *charge.limit, full->name);
    places.crowded = true;
  }
  co_return places;
}

// What was opened far from any bound.
void Limiter::learn(const Decision& decision, const std::vector<Charge>& charges,
                    const identity::Identity& identity, std::string_view route) {
  for (std::size_t i = 0; i < charges.size(); ++i) {
    if (!has_opened(decision, i, charges[i])) continue;
    const auto crowds = newcomers_.crowds_of(*charges[i].limit, identity, route);
    newcomers_.opened(charges[i].key, crowds, decision.at);
  }
}

void Limiter::note_crowd(const Decision& decision, const identity::Identity& identity) {
  if (!log_ || (crowd_noted_at_ && decision.at - *crowd_noted_at_ < kCrowdPause)) return;
  crowd_noted_at_ = decision.at;
  const std::string address = address_of(identity);
  log_->warning("newcomers share a bucket", {{"tenant", identity.proved_tenant()},
                                             {"user", identity.user},
                                             {"api_key", identity.api_key},
                                             {"address", address}});
}

Task<Result<Settlement>> Limiter::settle(const limits::Plans& plans, std::string_view id,
                                         std::int64_t actual) {
  return reservations_.settle(plans, id, actual, clock_.now());
}

Task<Result<std::int64_t>> Limiter::reserved(const Limit& limit, const identity::Identity& identity,
                                             std::string_view route, std::vector<Duration> lives) {
  return reservations_.reserved(bucket_key(options_.keys, limit, identity, route), std::move(lives),
                                clock_.now());
}

Task<Result<std::int64_t>> Limiter::reset(const LimitSet& limits,
                                          const identity::Identity& identity,
                                          std::string_view route) {
  std::vector<std::string> keys;
  for (const Limit* limit : limits) {
    keys.push_back(bucket_key(options_.keys, *limit, identity, route));
  }
  co_return co_await reset_by_tag(store_, std::move(keys));
}

Task<Result<std::int64_t>> Limiter::reset_crowds(const LimitSet& limits,
                                                 const identity::Identity& identity,
                                                 std::string_view route) {
  std::vector<std::string> keys;
  std::int64_t used = 0;
  for (const Limit* limit : limits) {
    for (const Newcomers::Crowd& crowd : newcomers_.crowds_of(*limit, identity, route)) {
      used += newcomers_.forget(crowd) ? 1 : 0;
      keys.push_back(shared_key(options_.keys, *limit, crowd.name));
    }
  }
  const auto buckets = co_await reset_by_tag(store_, std::move(keys));
  if (!buckets) co_return buckets;
  co_return used + *buckets;
}

Task<Result<bool>> Limiter::revoke(const identity::Identity& identity, Duration left) {
  const auto length =
      std::clamp<Duration>(left + kClockSlack, std::chrono::seconds(1), limits::kMaxBarTime);
  const std::vector<Bar> end{{session_key(options_.keys, kEndedName, identity), length}};
  Limit all = endings_;
  Limit own = own_endings_;
  all.tenant = own.tenant = identity.tenant;
  std::vector<Charge> counts;
  const auto count = [&](const Limit& limit, std::string_view of) {
    if (limit.quota() == 0) return;
    counts.push_back({tenant_key(options_.keys, identity.tenant, "@endings", of), &limit, 1});
  };
  count(own, network_of(identity.address));
  count(all, "all");
  const auto decision = co_await store_.take({counts, end}, std::nullopt);
  if (!decision) co_return tl::unexpected(decision.error());
  if (decision->is_barred()) co_return false;
  if (decision->allowed) co_return true;
  // Who is beyond both is told of its own share.
  if (counts[0].limit != &own || !decision->lacks_room(0)) co_return fail(ErrorCode::kTooManyEnded);
  const std::int64_t wait = ceil_seconds(decision->balances[0].retry_after);
  co_return fail(ErrorCode::kTooManyEndedHere, fmt::to_string(wait));
}

Task<Result<bool>> Limiter::forgive(const identity::Identity& identity) {
  const std::vector<std::string> keys{penalty_.lock_out(identity).key,
                                      penalty_.denial(identity).key};
  const auto count = co_await store_.reset(keys);
  if (!count) co_return tl::unexpected(count.error());
  co_return *count > 0;
}

}  // namespace sluice::limiter
