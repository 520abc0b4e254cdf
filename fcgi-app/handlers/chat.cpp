#include "handlers/chat.h"

#include "http/problem.h"

namespace sluice::handlers {
namespace {

std::optional<std::int64_t> message_number(const limits::Decision& decision) {
  if (decision.balances.empty()) return std::nullopt;
  const std::size_t tightest = decision.tightest();
  return decision.limits[tightest]->quota() - decision.balances[tightest].remaining;
}

}  // namespace

Task<http::Response> chat(const Call& call) {
  if (!call.request.json()) co_return http::problem(call.request.json().error());
  const http::JsonObject& body = *call.request.json();
  const auto message = body.string("message");
  if (!message) co_return http::problem(message.error());
  if (!*message) co_return http::problem(Error{ErrorCode::kBadRequest, "\"message\" is missing"});
  const auto session_id = body.string("session_id");

  http::JsonObject reply;
  const auto& tenant = call.identity.tenant;
  reply.set("tenant_id", tenant.empty() ? std::nullopt : std::optional<std::string_view>(tenant));
  reply.set("session_id", session_id.value_or(std::nullopt));
  reply.set("reply", **message);
  reply.set("message_number", message_number(call.decision));
  co_return http::Response(200, reply.dump());
}

}  // namespace sluice::handlers
