// The header fields that tell a client where it stands.
//
// X-RateLimit-* as SlowAPI names them, of the tightest limit (X-RateLimit-Limit of a bucket is its
// burst); RateLimit-Policy and RateLimit of every limit that enforces, following
// draft-ietf-httpapi-ratelimit-headers-11 (a draft: RFC 2026 section 2.2), with Balance::more_after
// for `t`; Retry-After in seconds (RFC 9110 section 10.2.3) on a denial. Limits in shadow mode
// stand in X-RateLimit-Shadow alone: a list as the draft's two in one, where ";denied" marks those
// that would have refused. X-Decision-ID is the decision's id in hex, where it has one.
#pragma once

#include <span>
#include <string>

#include "http/response.h"
#include "limits/charge.h"

namespace sluice::http {

// What clients are told that `limit` is named, among `all` that apply where it does. A default may
// apply beside a tenant's limit of the same name; clients need two names then.
[[nodiscard]] std::string policy_name(std::span<const limits::Limit* const> all,
                                      const limits::Limit& limit);

// Writes the fields of `decision`, all from its one reply of the store; where no store answered,
// X-Decision-ID alone; where nginx decided, nothing, as it writes them. Retry-After is the longest
// wait over all denying limits, whole seconds rounded up, at least 1; it is left out where no wait
// would help (a cost above the quota).
void write_ratelimit_fields(const limits::Decision& decision, Response& response);

}  // namespace sluice::http
