// Every answer that is not a success: {"detail": "..."}, or the same as problem details (RFC 9457).
#pragma once

#include <string_view>

#include "base/result.h"
#include "http/request.h"
#include "http/response.h"
#include "limits/charge.h"

namespace sluice::http {

// Retry-After of a 503: seconds after which asking a store that was down is worth a try.
inline constexpr std::string_view kStoreRetryAfter = "1";

// The form of the body.
enum class Form {
  kDetail,   // application/json: "detail" alone
  kProblem,  // application/problem+json: "type", "title", "status" and "detail"
};
inline constexpr std::string_view kProblemType = "application/problem+json";

// kProblem for a request whose Accept names that type, and does not give it q=0.
[[nodiscard]] Form form_of(const Request& request);

// An error as its response; the one place where an ErrorCode meets its HTTP status.
[[nodiscard]] Response problem(const Error& error, Form form = Form::kDetail);

// A decision that did not allow: 429 telling of a lock-out, or naming the tightest limit, and
// whether the cost is more than it ever allows; or 503 where the store could not be asked.
// Problem details also list the limits that deny: "violated-policies" has the names that
// RateLimit-Policy has (draft-ietf-httpapi-ratelimit-headers), "policies" their scopes and waits.
// REQUIRES: !decision.allowed.
[[nodiscard]] Response problem(const limits::Decision& decision, Form form = Form::kDetail);

}  // namespace sluice::http
