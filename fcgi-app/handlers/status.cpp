#include "handlers/status.h"

#include "http/json.h"
#include "http/problem.h"

namespace sluice::handlers {

Task<http::Response> status(const Call& call) {
  Services& services = call.services;
  const bool up = co_await services.store.is_up(services.clock.now());
  co_return http::Response(200, call.policy->page(up));
}

Task<http::Response> live(const Call& /*call*/) {
  co_return http::Response(200, http::JsonWriter().set("status", "up").text());
}

Task<http::Response> ready(const Call& call) {
  Services& services = call.services;
  const bool up = co_await services.store.is_up(services.clock.now());
  http::JsonWriter body;
  body.set("status", up ? "up" : "down");
  body.set("config_generation", call.policy->generation());
  const std::string why = up ? "" : services.trouble();
  if (!why.empty()) body.set("reason", why);
  http::Response response(up ? 200 : 503, body.text());
  if (!up) response.add("Retry-After", http::kStoreRetryAfter);
  co_return response;
}

}  // namespace sluice::handlers
