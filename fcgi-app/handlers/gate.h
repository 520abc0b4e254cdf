// The gate: whether nginx may let a request pass to another application (auth_request).
#pragma once

#include "base/task.h"
#include "handlers/handler.h"

namespace sluice::handlers {

// It may: 204. How the limits stand is in the fields; http/gate_answer.h tells nginx what it may
// not.
[[nodiscard]] Task<http::Response> gate(const Call& call);

}  // namespace sluice::handlers
