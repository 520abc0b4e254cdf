#pragma once

#include "base/task.h"
#include "handlers/handler.h"

namespace sluice::handlers {

// GET /metrics: what all workers of the host have counted, in the text format of Prometheus.
[[nodiscard]] Task<http::Response> metrics(const Call& call);

}  // namespace sluice::handlers
