#include "serve.h"

#include "handlers/denial.h"
#include "http/problem.h"
#include "http/ratelimit_fields.h"
#include "routes.h"

namespace sluice {

Task<http::Response> serve(const http::Request& request,
                           std::shared_ptr<const policy::Policy> policy,
                           handlers::Services& services, telemetry::Told* told) {
  telemetry::Observation seen(services.observer, policy->denial_log(), told);
  const auto route = match(request, *policy);
  if (!route) co_return seen.refused(http::problem(route.error(), http::form_of(request)));
  seen.matched(route->name);
  auto identity = policy->identities().resolve(request, route->credentials);
  if (!identity) co_return seen.refused(http::problem(identity.error(), http::form_of(request)));
  const limits::Cost cost = route->cost(request, *identity, policy->costs());
  auto limits = route->limits_of(policy->plans(), *identity);
  auto decision = policy->handed_over(request, route->name, *identity, limits);
  if (!route->is_open()) {
    seen.deciding();
    if (decision.source != limits::Source::kNginx)
      decision = co_await policy->limiter().decide(limits, *identity, route->name, cost);
    seen.decided(decision, *identity, cost);
  }
  // A session that was ended is a false claim after all, as only the store knows.
  if (decision.barred_by == limits::BarredBy::kEndedSession) {
    policy->identities().reject_revoked(request, *identity);
    limits = route->limits_of(policy->plans(), *identity);
    seen.deciding();
    decision = co_await policy->limiter().decide(limits, *identity, route->name, 1);
    seen.decided(decision, *identity, 1);
  }
  const handlers::Call call{request, *identity, decision, policy, services};
  http::Response response;
  if (!decision.allowed) {
    response = handlers::denial(call, route->name);
  } else if (identity->rejection) {  // charged all the same
    response = seen.refused(http::problem(*identity->rejection, http::form_of(request)));
  } else {
    response = co_await route->handler(call);
  }
  http::write_ratelimit_fields(decision, response);
  seen.answered();
  co_return response;
}

}  // namespace sluice
