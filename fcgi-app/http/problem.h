// Every answer that is not a success: one body shape, {"detail": "..."}.
#pragma once

#include <string_view>

#include "base/result.h"
#include "http/response.h"
#include "limits/charge.h"

namespace sluice::http {

// Retry-After of a 503: seconds after which asking a store that was down is worth a try.
inline constexpr std::string_view kStoreRetryAfter = "1";

// An error as its response; the one place where an ErrorCode meets its HTTP status.
[[nodiscard]] Response problem(const Error& error);

// A decision that did not allow: 429 telling of a lock-out, or naming the tightest limit, and
// whether the cost is more than it ever allows; or 503 where the store could not be asked.
// REQUIRES: !decision.allowed.
[[nodiscard]] Response problem(const limits::Decision& decision);

}  // namespace sluice::http
