// The table of all routes of our own API; those of gated applications are the policy's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "handlers/handler.h"
#include "http/cost.h"
#include "http/request.h"
#include "identity/identity.h"
#include "limits/cost.h"
#include "limits/plan.h"
#include "policy/policy.h"

namespace sluice {

struct Route {
  std::string_view method;
  std::string_view path;  // exact
  std::string_view name;  // what a limit's `routes` call it, and under which requests are counted
  identity::Credentials credentials;
  std::int64_t units;  // what one request costs; 0: free, so that no limit applies
  handlers::Handler handler;

  // Whether it is free, and looks at no credentials: then there is nothing to decide.
  [[nodiscard]] bool is_open() const {
    return units == 0 && credentials == identity::Credentials::kNone;
  }
  // The limits that a request of `identity` is charged to. A free route has none, unless for a
  // false claim.
  [[nodiscard]] limits::LimitSet limits_of(const limits::Plans& plans,
                                           const identity::Identity& identity) const;
  // How much: the route's units, or what its rules say. A false claim costs 1; any other request
  // with a rejection as much as one that does not say. Where the request says what cannot be
  // understood, the identity is refused. It refers to `rules`.
  [[nodiscard]] limits::Cost cost(const http::Request& request, identity::Identity& identity,
                                  const http::CostRules& rules) const;
};

// The route of `request`, whatever else is wrong with it. A HEAD is answered by its GET; nginx
// drops the body. GET /metrics is there for those alone who may read it. What it refers to lives as
// long as `policy`.
//
// A gated request is on a route that the config names: on the one that nginx says, or else on the
// one that its method and path match. Where there is none, policy.unmatched() says whether it
// passes uncounted. Errors: kNotFound, kMethodNotAllowed (detail: the Allow field), kUnknownRoute
// (detail: what nginx said), kUnknownPath.
[[nodiscard]] Result<Route> match(const http::Request& request, const policy::Policy& policy);

// The names that a limit and a cost may use besides those of the config: of the routes of our own
// API that cost something.
[[nodiscard]] std::vector<std::string_view> route_names();

}  // namespace sluice
