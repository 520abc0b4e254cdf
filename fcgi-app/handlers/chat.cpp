#include "handlers/chat.h"

#include "http/problem.h"

namespace sluice::handlers {
namespace {

std::optional<std::int64_t> message_number(const limits::Decision& decision) {
  const auto tightest = decision.tightest();
  if (!tightest) return std::nullopt;
  return decision.limits[*tightest]->terms().capacity - decision.balances[*tightest].remaining;
}

std::optional<std::string_view> text_or_none(std::string_view text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

template <class T>
void set_or_null(http::JsonWriter& object, std::string_view name, const std::optional<T>& value) {
  value ? object.set(name, *value) : object.set_null(name);
}

}  // namespace

Task<http::Response> chat(const Call& call) {
  if (!call.request.json())
    co_return http::problem(call.request.json().error(), http::form_of(call.request));
  const http::JsonObject& body = *call.request.json();
  const auto message = body.string("message");
  if (!message) co_return http::problem(message.error(), http::form_of(call.request));
  if (!*message)
    co_return http::problem(Error{ErrorCode::kBadRequest, "\"message\" is missing"},
                            http::form_of(call.request));

  http::JsonWriter reply;
  set_or_null(reply, "tenant_id", text_or_none(call.identity.tenant));
  set_or_null(reply, "session_id", text_or_none(call.identity.token));
  reply.set("reply", **message);
  set_or_null(reply, "message_number", message_number(call.decision));
  co_return http::Response(200, std::move(reply).text());
}

}  // namespace sluice::handlers
