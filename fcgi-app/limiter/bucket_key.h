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

// Whether the key of that bucket holds the request's address.
[[nodiscard]] bool counts_address(const limits::Limit& limit, const identity::Identity& identity,
                                  std::string_view route);

// The part of a canonical address that names its network: of IPv6 the first 48 bits, what a site is
// given (RFC 6177); of IPv4 all.
[[nodiscard]] std::string_view network_of(std::string_view address);

// The keys of a guard (limits/charge.h): "sluice:v2:{acme}:chat:opened" and "...:shared", for the
// callers of one network with it behind: "...:opened:6:20010db8000a". No fact has these names.
struct GuardKeys {
  std::string opened;
  std::string shared;
};
[[nodiscard]] GuardKeys guard_keys(std::string_view prefix, const limits::Limit& limit,
                                   std::string_view network);

// "sluice:v2:{acme}:@revoked:session:<32 hex digits>" and "sluice:v2:{@4:7f000001}:@penalty:ip":
// what is kept of a session, or of an address. `name` begins with '@', which no limit's does.
[[nodiscard]] std::string session_key(std::string_view prefix, std::string_view name,
                                      const identity::Identity& identity);
[[nodiscard]] std::string address_key(std::string_view prefix, std::string_view name,
                                      const identity::Identity& identity);

}  // namespace sluice::limiter
