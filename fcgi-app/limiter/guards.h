// Bounds how many buckets callers open, so that nobody fills the store with ever new ones, nor buys
// a new quota with each name that it makes up.
//
// Callers of a tenant may open so many buckets of one limit in the time for which one lives; those
// who show no session are a tenant of their own, of the limits in `defaults`. Of these, the callers
// of one network may open so many of a limit that counts what they can have many of: sessions, the
// values of a header, and the addresses within their IPv6 network. Past either number they share
// one bucket.
#pragma once

#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

#include "identity/identity.h"
#include "limits/charge.h"

namespace sluice::limiter {

class Guards {
 public:
  struct Options {
    std::int64_t per_tenant = 100'000;  // 0 to limits::kMaxQuota; 0: no bound
    std::int64_t per_network = 10'000;  // the same
  };

  // `key_prefix` outlives the guards.
  Guards(std::string_view key_prefix, Options options)
      : key_prefix_(key_prefix), options_(options) {}

  // The guards of a charge to `limit`; those of one window share a limit, which lives as long as
  // this object.
  [[nodiscard]] std::vector<limits::Guard> guards_of(const limits::Limit& limit,
                                                     const identity::Identity& identity,
                                                     std::string_view route);

 private:
  using Limits = std::map<Duration, limits::Limit>;  // by window: as many as the config has

  [[nodiscard]] limits::Guard guard(Limits& limits, std::int64_t quota, const limits::Limit& limit,
                                    std::string_view network) const;

  std::string_view key_prefix_;
  Options options_;
  Limits per_tenant_;
  Limits per_network_;
};

}  // namespace sluice::limiter
