#include "handlers/settle.h"

#include <algorithm>
#include <string>

#include "base/digits.h"
#include "http/problem.h"

namespace sluice::handlers {
namespace {

struct Question {
  std::string id;
  std::int64_t actual = 0;
};

Result<Question> question_in_body(const http::Request& request) {
  if (!request.json()) return tl::unexpected(request.json().error());
  const auto id = request.json()->string("request_id");
  if (!id) return tl::unexpected(id.error());
  if (!*id) return fail(ErrorCode::kBadRequest, "\"request_id\" is missing");
  const auto actual = request.json()->integer("actual", 0, limits::kMaxQuota);
  if (!actual) return tl::unexpected(actual.error());
  if (!*actual) return fail(ErrorCode::kBadRequest, "\"actual\" is missing");
  return Question{std::string(**id), **actual};
}

// What is no number, say as the application has said none, settles nothing.
Result<Question> question_of_nginx(const http::Request& request) {
  const auto id = request.text_header("SLUICE_REQUEST_ID");
  if (!id) return tl::unexpected(id.error());
  const auto actual = request.text_header("SLUICE_ACTUAL");
  if (!actual) return tl::unexpected(actual.error());
  const auto units = parse_digits(actual->value_or(""));
  if (!units) return fail(ErrorCode::kBadRequest, "SLUICE_ACTUAL is no number");
  return Question{std::string(id->value_or("")), std::min(*units, limits::kMaxQuota)};
}

http::JsonArray limits_of(const limiter::Settlement& settlement) {
  const std::string_view key = settlement.actual > settlement.estimate ? "charged" : "refunded";
  http::JsonArray array;
  for (const auto& moved : settlement.moved) {
    array.add(http::JsonWriter().set("name", moved.limit).set(key, moved.units));
  }
  return array;
}

}  // namespace

Task<http::Response> settle(const Call& call) {
  const auto question = call.request.is_settled_by_nginx ? question_of_nginx(call.request)
                                                         : question_in_body(call.request);
  const http::Form form = http::form_of(call.request);
  if (!question) co_return http::problem(question.error(), form);
  const auto settled =
      co_await call.policy->limiter().settle(call.policy->plans(), question->id, question->actual);
  if (!settled) co_return http::problem(settled.error(), form);
  http::JsonWriter body;
  body.set("request_id", question->id);
  body.set("unit", limits::unit_name(settled->unit));
  body.set("reserved", settled->estimate).set("actual", settled->actual);
  body.set("limits", limits_of(*settled));
  co_return http::Response(200, body.text());
}

}  // namespace sluice::handlers
