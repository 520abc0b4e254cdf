#include "handlers/limits.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "http/problem.h"
#include "http/ratelimit_fields.h"
#include "limiter/caller_limits.h"

namespace sluice::handlers {
namespace {

using limiter::CallerLimit;
using limits::Algorithm;
using limits::Limit;

http::JsonArray names(const std::vector<std::string_view>& routes) {
  http::JsonArray array;
  for (const std::string_view route : routes) array.add(route);
  return array;
}

http::JsonWriter described(const CallerLimit& one, std::string_view name) {
  const Limit& limit = *one.limit;
  http::JsonWriter object;
  object.set("name", name);
  object.set("limit", limit.text());
  object.set("scope", limit.scope.text());
  object.set("routes", names(one.routes));
  if (limit.scope.has(limits::Fact::kRoute)) object.set("route", one.route);
  object.set("algorithm", limits::to_name<Algorithm>(limits::kAlgorithmNames, limit.algorithm));
  object.set("mode", limits::to_name<limits::Mode>(limits::kModeNames, limit.mode));
  object.set("unit", limits::unit_name(limit.unit));
  object.set("quota", limit.quota());
  if (is_bucket(limit.algorithm)) object.set("burst", limit.terms().capacity);
  object.set("used", one.used());
  if (one.reserved) object.set("reserved", *one.reserved);
  object.set("remaining", one.balance.remaining);
  object.set("reset_after", ceil_seconds(one.balance.reset_after));
  return object;
}

// How long reservations live that charge the limit.
std::vector<Duration> lives_of(const CallerLimit& one, const http::CostRules& costs) {
  std::vector<Duration> lives;
  for (const std::string_view route : one.routes) {
    const auto rules = costs.find(route);
    if (rules == costs.end()) continue;
    for (const http::CostRule& rule : rules->second) {
      const bool reserves = rule.settle_within > Duration::zero();
      if (reserves && rule.unit == one.limit->unit) lives.push_back(rule.settle_within);
    }
  }
  return lives;
}

Task<Result<void>> add_reserved(std::vector<CallerLimit>& list, const Call& call) {
  for (CallerLimit& one : list) {
    auto lives = lives_of(one, call.policy->costs());
    if (lives.empty()) continue;
    const auto reserved = co_await call.policy->limiter().reserved(*one.limit, call.identity,
                                                                   one.route, std::move(lives));
    if (!reserved) co_return tl::unexpected(reserved.error());
    // An operator may have emptied the bucket meanwhile.
    one.reserved = std::min(*reserved, one.used());
  }
  co_return Result<void>{};
}

}  // namespace

Task<http::Response> limits(const Call& call) {
  auto list =
      limiter::caller_limits(call.policy->plans(), call.identity, call.policy->limited_routes());
  const auto peeked = co_await limiter::peek_at(list, call.policy->limiter(), call.identity);
  if (!peeked) co_return http::problem(peeked.error(), http::form_of(call.request));

  const auto added = co_await add_reserved(list, call);
  if (!added) co_return http::problem(added.error(), http::form_of(call.request));

  http::JsonArray array;
  for (const CallerLimit& one : list) {
    array.add(described(one, http::policy_name(limiter::limits_beside(list, one), *one.limit)));
  }
  const identity::Identity& caller = call.identity;
  const bool has_key = !caller.api_key.empty();
  http::JsonWriter body;
  const auto set_if = [&](bool proved, std::string_view name, std::string_view value) {
    proved ? body.set(name, value) : body.set_null(name);
  };
  set_if(caller.session || has_key, "tenant_id", caller.tenant);
  set_if(caller.session.has_value(), "session_id", caller.token);
  set_if(has_key, "user", caller.user);
  if (call.decision.barred_by == limits::BarredBy::kLockOut) {
    body.set("locked_out_for", ceil_seconds(call.decision.barred_for));
  }
  body.set("limits", array);
  co_return http::Response(200, body.text());
}

}  // namespace sluice::handlers
