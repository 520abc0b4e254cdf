#pragma once

#include "handlers/handler.h"

namespace sluice::handlers {

// GET /: what this worker is, which limits it enforces, and whether its store answers.
[[nodiscard]] Task<http::Response> status(const Call& call);

// GET /livez: 200, as long as the worker answers at all. No store is asked.
[[nodiscard]] Task<http::Response> live(const Call& call);

// GET /readyz: 200, or 503 while the store that decisions need does not answer.
[[nodiscard]] Task<http::Response> ready(const Call& call);

}  // namespace sluice::handlers
