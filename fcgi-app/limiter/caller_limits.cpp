#include "limiter/caller_limits.h"

#include <algorithm>

namespace sluice::limiter {
namespace {

using limits::Fact;
using limits::Limit;

void add_route(std::vector<ListedLimit>& list, const Limit* limit, std::string_view route) {
  const auto is_same = [&](const ListedLimit& listed) { return listed.limit == limit; };
  const auto first = std::find_if(list.begin(), list.end(), is_same);
  if (first == list.end()) {
    list.push_back({limit, {route}, route});
    return;
  }
  std::vector<std::string_view> routes = first->routes;
  routes.push_back(route);
  if (limit->scope.has(Fact::kRoute)) list.push_back({limit, {}, route});
  for (ListedLimit& listed : list) {
    if (is_same(listed)) listed.routes = routes;
  }
}

}  // namespace

std::vector<ListedLimit> list_limits(const limits::Plans& plans, const identity::Identity& identity,
                                     std::span<const std::string_view> routes) {
  std::vector<ListedLimit> list;
  for (const std::string_view route : routes) {
    for (const Limit* limit : plans.limits_for(identity.tenant, route, identity.standing)) {
      add_route(list, limit, route);
    }
  }
  return list;
}

limits::LimitSet limits_beside(std::span<const ListedLimit> list, const ListedLimit& listed) {
  limits::LimitSet set;
  for (const ListedLimit& other : list) {
    if (std::find_first_of(other.routes.begin(), other.routes.end(), listed.routes.begin(),
                           listed.routes.end()) != other.routes.end()) {
      set.push_back(other.limit);
    }
  }
  return set;
}

limits::LimitSet limits_at_front(std::span<const ListedLimit> list) {
  limits::LimitSet set;
  for (const ListedLimit& listed : list) {
    if (listed.route != list.front().route) break;
    set.push_back(listed.limit);
  }
  return set;
}

Task<Result<std::size_t>> peek_at(std::vector<ListedLimit>& list, Limiter& limiter,
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
