#include "limiter/limiter.h"

#include <algorithm>

#include <fmt/format.h>

#include "limiter/bucket_key.h"
#include "telemetry/task_failures.h"

namespace sluice::limiter {
namespace {

using limits::Charge;
using limits::Decision;
using limits::Guard;
using limits::Hold;
using limits::Limit;
using limits::LimitSet;

Decision without_store(const LimitSet& limits, ErrorCode why) {
  Decision decision{
      .store = limits::StoreState::kUnavailable, .at = {}, .limits = limits, .balances = {}};
  decision.allowed = std::all_of(limits.begin(), limits.end(), [&](const Limit* limit) {
    return limit->mode == limits::Mode::kShadow ||
           (why == ErrorCode::kStoreUnavailable &&
            limit->on_store_error == limits::OnStoreError::kAllow);
  });
  return decision;
}

// A crowd is told of no more often.
constexpr Duration kCrowdPause = std::chrono::minutes(1);

// What the clocks of workers may differ by: a session that is ended must not outlive its mark.
constexpr Duration kClockSlack = std::chrono::minutes(1);

constexpr std::string_view kRevokedName = "@revoked";

const Limit& revocation() {
  static const Limit limit = countdown(std::string(kRevokedName));
  return limit;
}

// A denial that is being counted: until end(), or until the task is gone.
class Counting {
 public:
  // `keys` outlives this.
  Counting(std::set<std::string>& keys, const std::string& key) : keys_(keys) {
    const auto [place, is_first] = keys.insert(key);
    if (is_first) place_ = place;
  }
  ~Counting() { end(); }
  Counting(const Counting&) = delete;
  Counting& operator=(const Counting&) = delete;

  // Whether none of the same key was under way.
  [[nodiscard]] bool is_first() const { return place_.has_value(); }
  void end() {
    if (place_) keys_.erase(*place_);
    place_.reset();
  }

 private:
  std::set<std::string>& keys_;
  std::optional<std::set<std::string>::iterator> place_;
};

// What the log may say of a caller besides the ids of its key and user. Of a tenant only what is
// proved: another's name could be claimed. The address where it is counted.
struct Who {
  explicit Who(const identity::Identity& identity)
      : tenant(identity.session || !identity.api_key.empty() ? identity.tenant : ""),
        address(identity.standing == Standing::kKnown ? "" : identity.address) {}

  std::string tenant;
  std::string address;
};

Limit revocations_a_day(std::int64_t quota) {
  return {.name = std::string(kRevokedName), .rate = {quota, {1, limits::Unit::kDay}}};
}

// How many of a tenant's sessions one network may end in a day; 0: no bound, as there is none at
// all.
std::int64_t share_of_network(const Guards::Options& guards) {
  if (guards.per_tenant == 0) return guards.per_network;
  const std::int64_t tenth = std::max<std::int64_t>(1, guards.per_tenant / 10);
  return guards.per_network == 0 ? tenth : std::min(tenth, guards.per_network);
}

// Takes the holds off a decision, and says what they say.
void take_off_holds(Decision& decision, std::size_t limit_count, std::int64_t cost) {
  bool denied = false;
  for (std::size_t i = 0; i < decision.limits.size(); ++i) {
    if (i < limit_count) {
      denied = denied || decision.denied_by(i);
    } else if (decision.lacks_room(i) && decision.hold != Hold::kRevoked) {
      const bool revoked = decision.limits[i] == &revocation();
      decision.hold = revoked ? Hold::kRevoked : Hold::kPenalty;
      decision.held_for = decision.balances[i].retry_after;
    }
  }
  decision.limits.resize(limit_count);
  decision.balances.resize(limit_count);
  // A lock-out is from what costs something.
  if (decision.hold == Hold::kPenalty && cost == 0) decision.allowed = !denied;
}

}  // namespace

Limiter::Limiter(store::BucketStore& store, Options options, telemetry::Log* log)
    : store_(store),
      options_(std::move(options)),
      log_(log),
      guards_(options_.key_prefix, options_.guards),
      penalty_(options_.key_prefix, options_.penalty),
      revocations_(revocations_a_day(options_.guards.per_tenant)),
      own_revocations_(revocations_a_day(share_of_network(options_.guards))),
      tasks_(log ? telemetry::log_failures(*log) : [](std::string_view, std::string_view) {}) {}

Task<Decision> Limiter::decide(const LimitSet& limits, const identity::Identity& identity,
                               std::string_view route, std::int64_t cost) {
  const std::vector<Charge> charges = charges_of(limits, identity, route, cost);
  if (charges.empty()) co_return Decision{};
  auto taken = co_await store_.take(charges, std::nullopt);
  if (!taken) co_return without_store(limits, taken.error().code);
  Decision decision = std::move(*taken);
  take_off_holds(decision, limits.size(), cost);
  if (decision.crowded) note_crowd(decision, identity);
  const bool denied = !decision.allowed && decision.hold == Hold::kNone;
  if (denied && penalty_.is_on() && Penalty::is_own(decision, identity, route)) {
    tasks_.start("count a denial", count_denial(identity));  // which the answer need not wait for
  }
  co_return decision;
}

std::vector<Charge> Limiter::charges_of(const LimitSet& limits, const identity::Identity& identity,
                                        std::string_view route, std::int64_t cost) {
  std::vector<Charge> charges;
  charges.reserve(limits.size() + 2);
  for (const Limit* limit : limits) {
    charges.push_back({bucket_key(options_.key_prefix, *limit, identity, route), limit, cost,
                       guards_.guards_of(*limit, identity, route)});
  }
  if (identity.session) {
    charges.push_back({session_key(options_.key_prefix, kRevokedName, identity), &revocation(), 0});
  }
  if (penalty_.is_on() && identity.standing != Standing::kExempt) {
    charges.push_back(penalty_.lock_out(identity));
  }
  return charges;
}

// Of many denials at once one counts: a page that asks 30 things in parallel is no abuse.
Task<void> Limiter::count_denial(identity::Identity identity) {
  identity.token = {};  // it is in the request's memory, which may go meanwhile
  const std::vector<Charge> denial{penalty_.lock_out(identity), penalty_.denial(identity)};
  Counting counting(counting_, denial[1].key);
  if (!counting.is_first()) co_return;
  const auto counted = co_await store_.take(denial, std::nullopt);
  counting.end();
  if (!counted || counted->lacks_room(0)) co_return;
  const auto seconds = penalty_.due(counted->lacks_room(1) ? 0 : counted->balances[1].remaining);
  if (seconds.count() == 0) co_return;
  const std::vector<Charge> lock_out{penalty_.lock_out(identity, seconds.count())};
  const auto begun = co_await store_.take(lock_out, std::nullopt);
  if (!begun || !begun->allowed || !log_) co_return;
  const std::string length = fmt::to_string(seconds.count());
  const Who who(identity);
  log_->warning("locked out", {{"tenant", who.tenant},
                               {"user", identity.user},
                               {"api_key", identity.api_key},
                               {"address", who.address},
                               {"seconds", length}});
}

void Limiter::note_crowd(const Decision& decision, const identity::Identity& identity) {
  if (!log_ || (crowd_noted_at_ && decision.at - *crowd_noted_at_ < kCrowdPause)) return;
  crowd_noted_at_ = decision.at;
  const Who who(identity);
  log_->warning("new callers share a bucket", {{"tenant", who.tenant},
                                               {"user", identity.user},
                                               {"api_key", identity.api_key},
                                               {"address", who.address}});
}

Task<Result<std::int64_t>> Limiter::reset(const LimitSet& limits,
                                          const identity::Identity& identity,
                                          std::string_view route) {
  std::vector<std::string> keys;
  for (const Limit* limit : limits) {
    keys.push_back(bucket_key(options_.key_prefix, *limit, identity, route));
  }
  if (keys.empty()) co_return 0;
  co_return co_await store_.reset(keys);
}

Task<Result<std::int64_t>> Limiter::reset_guards(const LimitSet& limits,
                                                 const identity::Identity& identity,
                                                 std::string_view route) {
  std::vector<std::string> keys;
  for (const Limit* limit : limits) {
    for (Guard& guard : guards_.guards_of(*limit, identity, route)) {
      keys.push_back(std::move(guard.key));
      keys.push_back(std::move(guard.shared_key));
    }
  }
  if (keys.empty()) co_return 0;
  co_return co_await store_.reset(keys);
}

Task<Result<bool>> Limiter::revoke(const identity::Identity& identity, Duration left) {
  const std::int64_t seconds =
      std::clamp<std::int64_t>(ceil_seconds(left + kClockSlack), 1, kMaxCountdown);
  std::vector<Charge> end{
      {session_key(options_.key_prefix, kRevokedName, identity), &revocation(), seconds}};
  Limit all = revocations_;
  Limit own = own_revocations_;
  all.tenant = own.tenant = identity.tenant;
  const auto count = [&](const Limit& limit, std::string_view network) {
    if (limit.quota() == 0) return;
    end.push_back({guard_keys(options_.key_prefix, limit, network).opened, &limit, 1});
  };
  count(own, network_of(identity.address));
  count(all, "");
  const auto decision = co_await store_.take(end, std::nullopt);
  if (!decision) co_return tl::unexpected(decision.error());
  if (decision->lacks_room(0)) co_return false;
  if (decision->allowed) co_return true;
  // Who is beyond both is told of its own share.
  if (end[1].limit != &own || !decision->lacks_room(1)) co_return fail(ErrorCode::kTooManyEnded);
  const std::int64_t wait = ceil_seconds(decision->balances[1].retry_after);
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
