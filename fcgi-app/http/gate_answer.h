// The answer to a gated request in the form that nginx's auth_request understands: a status of 2xx
// lets the request pass, 401 does not. nginx/sluice_server.conf makes the client's answer of it.
#pragma once

#include "http/response.h"

namespace sluice::http {

// A success as it is. Of anything else: 401, and all that the client is to see in one field, which
// costs nginx less than ten of them:
//   X-Sluice-Denied: STATUS|FORM|RETRY|LIMIT|REMAINING|RESET|RATELIMIT|POLICY|BODY
// FORM is "json" or "problem", the last part of the content type. Then come the values of
// Retry-After, of the three X-RateLimit fields and of RateLimit and RateLimit-Policy, each empty
// where there is none, and the body, in one line. Other fields stay.
[[nodiscard]] Response gate_answer(Response response);

}  // namespace sluice::http
