// Where a bucket's key is made, and nowhere else.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "identity/identity.h"
#include "limits/plan.h"

namespace sluice::limiter {

// "sluice:v3:{acme}:chat:session:<32 hex digits>": prefix, layout version, hash tag, limit, and
// for each fact of its scope the name and value.
//
// All keys of one script call have one tag, so that a Redis Cluster has them in one slot. It is the
// tenant's; of a tenant whose plan has a global limit it is '@' and the plan, as those are counted
// together. Of the limits in `defaults` it is '@' and the address; where one of them does not count
// the address, '@' alone. Where the tag does not say whose bucket it is, the key does besides.
//
// A session that a caller with an API key does not have is replaced by the key's user
// ("session:user:alice"): all keys of a user count as one session. Any other fact that the request
// does not show is replaced by its address ("session:@4:7f000001"), so that leaving something out
// opens no bucket of its own.
//
// No part holds a byte that a client can choose, and no two identities share a key: ids hold
// neither ':' nor '@' nor '}', a session is 32 hex digits and so never "user", and all else is hex.
// Ids of API keys and users stand under their tenant's tag alone: two tenants may both have an
// "alice".
class Tags {
 public:
  Tags() = default;
  explicit Tags(const limits::Plans& plans);

  // As long as this object and the argument live.
  [[nodiscard]] std::string_view of_tenant(std::string_view tenant) const;
  // Of an address what stands behind the '@'.
  [[nodiscard]] std::string_view of_address(std::string_view address) const;

 private:
  // By tenant, sorted, where it is not the tenant's own.
  std::vector<std::pair<std::string, std::string>> plans_;
  bool addresses_share_ = false;
};

// What all keys begin with.
struct KeySpace {
  std::string prefix = "sluice";  // an id
  Tags tags{};
};

[[nodiscard]] std::string bucket_key(const KeySpace& space, const limits::Limit& limit,
                                     const identity::Identity& identity, std::string_view route);

// Whether the key of that bucket holds the request's address.
[[nodiscard]] bool counts_address(const limits::Limit& limit, const identity::Identity& identity,
                                  std::string_view route);

// The part of a canonical address that names its network: of IPv6 the first 48 bits, what a site is
// given (RFC 6177); of IPv4 all.
[[nodiscard]] std::string_view network_of(std::string_view address);

// Those who are bounded together (newcomers.h): the callers of a limit, or those of one network.
// "acme:chat", "acme:chat:6:20010db8000a", and "@:chat" of a default.
[[nodiscard]] std::string crowd_name(const limits::Limit& limit, std::string_view network);

// The bucket that newcomers of such a crowd share: "sluice:v3:{acme}:@shared:acme:chat". Of a
// default its tag is '@', as it is no address's.
[[nodiscard]] std::string shared_key(const KeySpace& space, const limits::Limit& limit,
                                     std::string_view crowd);

// What is reserved under an id: the reservation itself, beside the buckets that have `tag`; and,
// as the id alone says no tag, where that is. "sluice:v3:{acme}:@reserved:<32 hex digits>" and
// "sluice:v3:{@r:<32 hex digits>}:@reserved".
[[nodiscard]] std::string reservation_key(const KeySpace& space, std::string_view tag,
                                          std::string_view id);
[[nodiscard]] std::string reservation_place_key(const KeySpace& space, std::string_view id);

// The part of a key between its braces. REQUIRES: one of the keys of this header.
[[nodiscard]] std::string_view tag_in(std::string_view key);

// What is kept of a tenant, a session or an address besides: "sluice:v3:{acme}:@ended:<32 hex
// digits>", "sluice:v3:{@4:7f000001}:@locked". `name` begins with '@', which no limit's does.
[[nodiscard]] std::string tenant_key(const KeySpace& space, std::string_view tenant,
                                     std::string_view name, std::string_view rest);
[[nodiscard]] std::string session_key(const KeySpace& space, std::string_view name,
                                      const identity::Identity& identity);
[[nodiscard]] std::string address_key(const KeySpace& space, std::string_view name,
                                      const identity::Identity& identity);

}  // namespace sluice::limiter
