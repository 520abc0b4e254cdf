#pragma once

#include "handlers/handler.h"

namespace sluice::handlers {

// POST /chat: echoes the message with its number, which counts the messages of this session (or
// address) in the current window of the tightest limit, and is null where no limit counted it.
[[nodiscard]] Task<http::Response> chat(const Call& call);

}  // namespace sluice::handlers
