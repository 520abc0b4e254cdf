#include "routes.h"

#include <algorithm>
#include <array>
#include <string>

#include "handlers/chat.h"
#include "handlers/gate.h"
#include "handlers/limits.h"
#include "handlers/metrics.h"
#include "handlers/session.h"
#include "handlers/settle.h"
#include "handlers/status.h"

namespace sluice {
namespace {

using identity::Credentials;

constexpr std::array kRoutes{
    Route{"GET", "/", "status", Credentials::kNone, 0, handlers::status},
    Route{"GET", "/livez", "live", Credentials::kNone, 0, handlers::live},
    Route{"GET", "/readyz", "ready", Credentials::kNone, 0, handlers::ready},
    Route{"GET", "/limits", "limits", Credentials::kHeaders, 0, handlers::limits},
    Route{"POST", "/session", "session", Credentials::kTenant, 1, handlers::session},
    Route{"DELETE", "/session", "session-end", Credentials::kHeaders, 0, handlers::end_session},
    Route{"POST", "/chat", "chat", Credentials::kSession, 1, handlers::chat},
    Route{"GET", "/metrics", "metrics", Credentials::kNone, 0, handlers::metrics},
    Route{"POST", "/settle", "settle", Credentials::kNone, 0, handlers::settle},
    // Stands for every route of a gated application: it has no path of its own.
    Route{"", "", "gate", Credentials::kGate, 1, handlers::gate},
};
constexpr std::size_t kMetrics = 7;
constexpr std::size_t kSettle = 8;
constexpr std::size_t kGate = 9;
static_assert(kRoutes.at(kMetrics).name == "metrics" && kRoutes.at(kSettle).name == "settle" &&
              kRoutes.at(kGate).path.empty());

// Whether there is such a path for this client.
bool is_shown(std::size_t number, const http::Request& request, const policy::Policy& policy) {
  if (number == kMetrics) return policy.identities().is_from(request, policy.metrics().allow);
  if (number == kSettle && !request.is_settled_by_nginx) {
    return policy.identities().is_from(request, policy.settle().allow);
  }
  return number != kGate;
}

// A HEAD is answered by its GET.
std::string_view method_of(const http::Request& request) {
  return request.method == "HEAD" ? "GET" : request.method;
}

Result<Route> match_own(const http::Request& request, const policy::Policy& policy) {
  const std::string_view method = method_of(request);
  std::string allowed;
  for (std::size_t i = 0; i < kRoutes.size(); ++i) {
    const Route& route = kRoutes.at(i);
    if (route.path != request.path || !is_shown(i, request, policy)) continue;
    if (route.method == method) return route;
    allowed.append(allowed.empty() ? "" : ", ").append(route.method);
    if (route.method == "GET") allowed.append(", HEAD");
  }
  if (allowed.empty()) return fail(ErrorCode::kNotFound);
  return fail(ErrorCode::kMethodNotAllowed, std::move(allowed));
}

// A route of our own, as far as nginx sees it, which reads no body. What else its path does is for
// a worker to decide.
Route at_nginx(Route gate, const http::Request& request) {
  const auto* const own = std::find_if(kRoutes.begin(), kRoutes.end(),
                                       [&](const Route& one) { return one.name == gate.name; });
  const bool is_it = own->method == method_of(request);
  gate.units = is_it ? own->units : 0;
  const bool is_in_headers = own->credentials != Credentials::kTenant;  // that one is in the body
  gate.credentials = is_it && is_in_headers ? Credentials::kHeaders : Credentials::kNone;
  return gate;
}

Result<Route> match_gated(const http::Request& request, const policy::Policy& policy) {
  Route route = kRoutes.at(kGate);
  if (!request.gated_route.empty()) {
    const auto known = policy.limited_routes();
    const auto named = std::find(known.begin(), known.end(), request.gated_route);
    if (named == known.end()) {
      return fail(ErrorCode::kUnknownRoute, std::string(request.gated_route));
    }
    route.name = *named;
    if (request.is_handed_over) route = at_nginx(route, request);
  } else if (request.path.empty()) {
    return fail(ErrorCode::kUnknownPath);
  } else if (const auto* const matched = policy.routes().match(request.method, request.path)) {
    route.name = matched->name;
  } else if (policy.unmatched() == policy::Unmatched::kDeny) {
    return fail(ErrorCode::kNotFound);
  } else {
    route.credentials = Credentials::kNone;
    route.units = 0;
  }
  return route;
}

std::int64_t units_of(const http::Request& request, identity::Identity& identity,
                      const http::CostRule& rule) {
  if (identity.rejection) return rule.cost;
  const auto units = http::cost_of(request, rule);
  if (!units) identity.refuse(units.error());
  return units.value_or(rule.cost);
}

}  // namespace

limits::LimitSet Route::limits_of(const limits::Plans& plans,
                                  const identity::Identity& identity) const {
  if (units == 0 && identity.standing != Standing::kRejected) return {};
  return plans.limits_for(identity.tenant, name, identity.standing);
}

limits::Cost Route::cost(const http::Request& request, identity::Identity& identity,
                         const http::CostRules& rules) const {
  if (identity.standing == Standing::kRejected) return 1;
  limits::Cost cost(units);
  const auto found = rules.find(name);
  if (units == 0 || found == rules.end()) return cost;
  for (const http::CostRule& rule : found->second) {
    const limits::UnitCost of_rule{rule.unit, units_of(request, identity, rule)};
    if (rule.unit.empty()) {
      cost.requests = of_rule.units;
    } else {
      cost.others.push_back(of_rule);
    }
    if (rule.settle_within > Duration::zero() && !identity.rejection) {
      cost.estimate = of_rule;
      cost.settle_within = rule.settle_within;
    }
  }
  return cost;
}

Result<Route> match(const http::Request& request, const policy::Policy& policy) {
  return request.is_gated ? match_gated(request, policy) : match_own(request, policy);
}

std::vector<std::string_view> route_names() {
  std::vector<std::string_view> names;
  for (const Route& route : kRoutes) {
    if (route.units > 0 && !route.path.empty()) names.push_back(route.name);
  }
  return names;
}

}  // namespace sluice
