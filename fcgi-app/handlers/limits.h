#pragma once

#include "handlers/handler.h"

namespace sluice::handlers {

// GET /limits: the caller's own limits on all routes, with what is used and left of each, and after
// how many seconds (rounded up) the full quota is back. Reading costs nothing.
[[nodiscard]] Task<http::Response> limits(const Call& call);

}  // namespace sluice::handlers
