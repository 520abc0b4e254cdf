// POST /settle: what a reserved request really cost.
#pragma once

#include "base/task.h"
#include "handlers/handler.h"

namespace sluice::handlers {

// Of {"request_id": "<X-Decision-ID>", "actual": 512}, or of what nginx says in SLUICE_REQUEST_ID
// and SLUICE_ACTUAL. 200 with what was charged or refunded; the same again when it is repeated; 409
// for another number, 404 for an id of no reservation, 410 when it is over.
[[nodiscard]] Task<http::Response> settle(const Call& call);

}  // namespace sluice::handlers
