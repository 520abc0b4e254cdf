// Where a bucket's key is made, and nowhere else.
#pragma once

#include <string>
#include <string_view>

#include "identity/identity.h"
#include "limits/limit.h"

namespace sluice::limiter {

// "sluice:v1:{acme}:chat:session:<32 hex digits>": prefix, layout version, hash tag (the tenant, so
// that all of its keys share a slot of a Redis Cluster; '@' and the address for a default), limit,
// scope, and the value it is counted per. No part holds a byte that a client can choose, and no
// two identities share a key: ids are alphanumeric, addresses and session ids are hex.
// REQUIRES: identity has the fact that limit.scope counts per.
[[nodiscard]] std::string bucket_key(std::string_view prefix, const limits::Limit& limit,
                                     const identity::Identity& identity);

}  // namespace sluice::limiter
