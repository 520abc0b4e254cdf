#include "limiter/caller_limits.h"

#include <algorithm>

namespace sluice::limiter {
namespace {

using limits::Fact;
using limits::Limit;

void add_route(std::vector<CallerLimit>& list, const Limit* limit, std::string_view route) {
  const auto is_same = [&](const CallerLimit& one) { return one.limit == limit; };
  const auto first = std::find_if(list.begin(), list.end(), is_same);
  if (first == list.end()) {
    list.push_back({limit, {route}, route});
    return;
  }
  std::vector<std::string_view> routes = first->routes;
  routes.push_back(route);
  if (limit->scope.has(Fact::kRoute)) list.push_back({limit, {}, route});
  for (CallerLimit& one : list) {
    if (is_same(one)) one.routes = routes;
  }
}

}  // namespace

std::vector<CallerLimit> caller_limits(const limits::Plans& plans,
                                       const identity::Identity& identity,
                                       std::span<const std::string_view> routes) {
  std::vector<CallerLimit> list;
  for (const std::string_view route : routes) {
    for (const Limit* limit : plans.limits_for(identity.tenant, route, identity.standing)) {
      add_route(list, limit, route);
    }
  }
  return list;
}

limits::LimitSet limits_beside(std::span<const CallerLimit> list, const CallerLimit& one) {
  limits::LimitSet set;
  for (const CallerLimit& other : list) {
    if (std::find_first_of(other.routes.begin(), other.routes.end(), one.routes.begin(),
                           one.routes.end()) != other.routes.end()) {
      set.push_back(other.limit);
    }
  }
  return set;
}

limits::LimitSet limits_at_front(std::span<const CallerLimit> list) {
  limits::LimitSet set;
  for (const CallerLimit& one : list) {
    if (one.route != list.front().route) break;
    set.push_back(one.limit);
  }
  return set;
}

Task<Result<std::size_t>> peek_at(std::vector<CallerLimit>& list, Limiter& limiter,
                                  const identity::Identity& identity) {
  for (std::size_t i = 0; i < list.size();) {
    const limits::LimitSet set = limits_at_front(std::span(list).subspan(i));
    const limits::Decision decision = co_await limiter.decide(set, identity, list[i].route, 0);
    if (decision.balances.size() != set.size()) co_return fail(ErrorCode::kStoreUnavailable);
    for (const limits::Balance& balance : decision.balances) list[i++].balance = balance;
  }
  co_return list.size();
}

}  // namespace sluice::limiter
