#include "routes.h"

#include <array>
#include <string>

#include "handlers/chat.h"
#include "handlers/limits.h"
#include "handlers/session.h"
#include "handlers/status.h"

namespace sluice {
namespace {

using identity::Credentials;

// A new one stands last: workers of two releases count in the same memory, by number.
constexpr std::array kRoutes{
    Route{"GET", "/", "status", Credentials::kNone, 0, handlers::status},
    Route{"GET", "/livez", "live", Credentials::kNone, 0, handlers::live},
    Route{"GET", "/readyz", "ready", Credentials::kNone, 0, handlers::ready},
    Route{"GET", "/limits", "limits", Credentials::kHeaders, 0, handlers::limits},
    Route{"POST", "/session", "session", Credentials::kTenant, 1, handlers::session},
    Route{"DELETE", "/session", "session-end", Credentials::kHeaders, 0, handlers::end_session},
    Route{"POST", "/chat", "chat", Credentials::kSession, 1, handlers::chat},
};

}  // namespace

limits::LimitSet Route::limits_of(const limits::Plans& plans,
                                  const identity::Identity& identity) const {
  if (units == 0 && identity.standing != Standing::kRejected) return {};
  return plans.limits_for(identity.tenant, name, identity.standing);
}

std::int64_t Route::cost(const http::Request& request, identity::Identity& identity,
                         const http::CostRules& rules) const {
  if (identity.standing == Standing::kRejected) return 1;
  const auto rule = rules.find(name);
  if (units == 0 || rule == rules.end()) return units;
  if (identity.rejection) return rule->second.cost;
  const auto cost = http::cost_of(request, rule->second);
  if (!cost) identity.refuse(cost.error());
  return cost.value_or(rule->second.cost);
}

Result<const Route*> match(const http::Request& request) {
  const std::string_view method = request.method == "HEAD" ? "GET" : request.method;
  std::string allowed;
  for (const Route& route : kRoutes) {
    if (route.path != request.path) continue;
    if (route.method != method) {
      allowed.append(allowed.empty() ? "" : ", ").append(route.method);
      if (route.method == "GET") allowed.append(", HEAD");
      continue;
    }
    return &route;
  }
  if (allowed.empty()) return fail(ErrorCode::kNotFound);
  return fail(ErrorCode::kMethodNotAllowed, std::move(allowed));
}

std::size_t number_of(const Route& route) {
  return static_cast<std::size_t>(&route - kRoutes.data());
}

std::vector<std::string_view> route_names() {
  std::vector<std::string_view> names;
  for (const Route& route : kRoutes) {
    if (route.units > 0) names.push_back(route.name);
  }
  return names;
}

}  // namespace sluice
