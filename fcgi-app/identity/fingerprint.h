// What a request shows of itself without proof, in a form that can stand in a key or a log.
#pragma once

#include <string>
#include <string_view>

#include "http/request.h"

namespace sluice::identity {

// 128 bits of BLAKE2b in hex: 32 digits. The same in every worker and after every restart, so with
// no secret in it: who knows the value knows the fingerprint, and whose value is easy to guess
// hides nothing by it.
[[nodiscard]] std::string fingerprint(std::string_view value);

// The fingerprint of the API key that the request shows, in `X-API-Key` or as `Authorization:
// Bearer ...`; empty where it shows none. Until keys are checked that is whatever the client sends,
// so counting per key alone bounds nobody who makes keys up.
// Error: kBadRequest, for two that differ, or for one that is sent twice or as a list.
[[nodiscard]] Result<std::string> api_key_of(const http::Request& request);

}  // namespace sluice::identity
