#pragma once

#include "handlers/handler.h"

namespace sluice::handlers {

// POST /session: opens a session for the tenant that the body names.
[[nodiscard]] Task<http::Response> session(const Call& call);

}  // namespace sluice::handlers
