#pragma once

#include "handlers/handler.h"

namespace sluice::handlers {

// GET /: what this worker is, which limits it enforces, and whether its store answers.
[[nodiscard]] Task<http::Response> status(const Call& call);

}  // namespace sluice::handlers
