// The answer to who is denied. It is the one that nginx may give by itself, for a moment: the deny
// shield.
#pragma once

#include <string_view>

#include "handlers/handler.h"

namespace sluice::handlers {

// The problem. To nginx that has a shield, which it says at the gate by its time in SLUICE_SHIELD,
// it also tells for how long others who ask the same may have it, if nobody else can be meant:
//   X-Accel-Expires  "@SECOND": until that second of nginx's clock ends
//   Vary             the headers that the answer depends on; what it depends on besides is in the
//                    key of nginx/sluice_server.conf
// That is so of a limit or a lock-out that denies for longer than that second. It is not where
// something was wrong with the request or with the store, nor for a newcomer who has to share a
// bucket.
// REQUIRES: !call.decision.allowed.
[[nodiscard]] http::Response denial(const Call& call, std::string_view route);

}  // namespace sluice::handlers
