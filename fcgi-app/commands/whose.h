// Whose buckets an operator means, as the command line says it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "config/load.h"
#include "identity/identity.h"
#include "limiter/caller_limits.h"

namespace sluice::commands {

// Whose buckets, as the flags say it; what is empty was not given.
struct Whose {
  std::string tenant = {};
  std::string session = {};  // a token
  std::string address = {};
  std::string api_key = {};  // its id
  std::string route = {};    // these alone; a name in the table of routes, or identity_failure
  bool shared = false;       // whether to reset what others are counted in, too
};

// Buckets that were found in the config.
struct Buckets {
  struct Skipped {
    limiter::CallerLimit limit;
    std::string_view missing;  // what would name its bucket
  };

  identity::Identity identity;
  std::vector<limiter::CallerLimit> limits;
  std::vector<Skipped> skipped;
  bool with_shared;  // as Whose::shared

  // Whether a reset leaves the bucket of `limit` alone: others are counted in it, as its key holds
  // nothing that the flags name. A tenant's buckets are its own where the flags name it alone; what
  // is global is nobody's.
  [[nodiscard]] bool keeps(const limits::Limit& limit) const;
};

// The buckets of `whose`, by the config:
//   a session       all limits of a client that shows it; it says what the tenant is
//   an API key      all limits of a client that shows it; it says what tenant and user are
//   a tenant alone  its limits that are counted for the tenant as a whole
//   an address      the defaults, besides; those of false claims too
// Errors: kBadRequest for what the flags say, kInvalidConfig, kNotFound and kSystem for the
// secrets. REQUIRES: the config outlives the result.
[[nodiscard]] Result<Buckets> find_buckets(const config::Loaded& config, const Whose& whose,
                                           TimePoint now);

}  // namespace sluice::commands
