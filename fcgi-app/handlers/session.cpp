#include "handlers/session.h"

#include <fmt/chrono.h>

#include "http/problem.h"

namespace sluice::handlers {

Task<http::Response> session(const Call& call) {
  if (!call.request.json())
    co_return http::problem(call.request.json().error(), http::form_of(call.request));
  const auto tenant = call.request.json()->string("tenant_id");
  if (!tenant) co_return http::problem(tenant.error(), http::form_of(call.request));
  if (!*tenant)
    co_return http::problem(Error{ErrorCode::kBadRequest, "\"tenant_id\" is missing"},
                            http::form_of(call.request));
  const Services& services = call.services;
  const identity::Session opened = identity::SessionTokens::create(
      **tenant, services.clock.now() + call.policy->session_lifetime());
  http::JsonWriter reply;
  reply.set("session_id", services.tokens.sign(opened));
  reply.set("tenant_id", opened.tenant);
  reply.set("expires_at", fmt::format("{:%Y-%m-%dT%H:%M:%SZ}",
                                      std::chrono::floor<std::chrono::seconds>(opened.expires_at)));
  co_return http::Response(201, reply.text());
}

Task<http::Response> end_session(const Call& call) {
  const identity::Identity& identity = call.identity;
  if (!identity.session) {
    co_return http::problem(Error{ErrorCode::kBadRequest, "Header X-SESSION-ID is missing"},
                            http::form_of(call.request));
  }
  const Duration left = identity.session_expires_at - call.services.clock.now();
  const auto revoked = co_await call.policy->limiter().revoke(identity, left);
  if (!revoked) co_return http::problem(revoked.error(), http::form_of(call.request));
  co_return http::Response(204, "", "");
}

}  // namespace sluice::handlers
