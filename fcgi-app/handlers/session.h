#pragma once

#include "handlers/handler.h"

namespace sluice::handlers {

// POST /session: opens a session for the tenant that the body names.
[[nodiscard]] Task<http::Response> session(const Call& call);

// DELETE /session: revokes the session that the headers show, on every worker at once.
[[nodiscard]] Task<http::Response> end_session(const Call& call);

}  // namespace sluice::handlers
