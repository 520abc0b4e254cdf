// Every answer that is not a success: one body shape, {"detail": "..."}.
#pragma once

#include "base/result.h"
#include "http/response.h"
#include "limits/charge.h"

namespace sluice::http {

// An error as its response; the one place where an ErrorCode meets its HTTP status.
[[nodiscard]] Response problem(const Error& error);

// A decision that did not allow: 429 telling of a lock-out, or naming the tightest limit, and
// whether the cost is more than it ever allows; or 503 where the store could not be asked.
// REQUIRES: !decision.allowed.
[[nodiscard]] Response problem(const limits::Decision& decision);

}  // namespace sluice::http
