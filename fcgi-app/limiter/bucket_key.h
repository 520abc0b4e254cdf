// Where a bucket's key is made, and nowhere else.
#pragma once

#include <string>
#include <string_view>

#include "identity/identity.h"
#include "limits/limit.h"

namespace sluice::limiter {

// "sluice:v2:{acme}:chat:session:<32 hex digits>": prefix, layout version, hash tag, limit, and
// for each fact of its scope the name and value. The tag is the tenant, so that all of its keys
// share a slot of a Redis Cluster; of a default it is '@' and the address; of what is global '@'
// alone, and its plan's name stands before the limit's.
//
// A session that a caller with an API key does not have is replaced by the key's user
// ("session:user:alice"): all keys of a user count as one session. Any other fact that the request
// does not show is replaced by its address ("session:@4:7f000001"), so that leaving something out
// opens no bucket of its own.
//
// No part holds a byte that a client can choose, and no two identities share a key: ids hold
// neither
// ':' nor '@' nor '}', a session is 32 hex digits and so never "user", and all else is hex. Ids of
// API keys and users stand under their tenant's tag alone: two tenants may both have an "alice".
[[nodiscard]] std::string bucket_key(std::string_view prefix, const limits::Limit& limit,
                                     const identity::Identity& identity, std::string_view route);

}  // namespace sluice::limiter
