// What an operator asks of the buckets, from the command line: to see them, or to have them full.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/task.h"
#include "config/config.h"
#include "handlers/limit_list.h"
#include "identity/identity.h"
#include "limiter/limiter.h"

namespace sluice {

// Whose buckets, as the flags say it; what is empty was not given.
struct Whose {
  std::string tenant = {};
  std::string session = {};  // a token
  std::string address = {};
  std::string api_key = {};  // its id
  std::string route = {};    // these alone; a name in the table of routes, or identity_failure
};

// Buckets that were found in the config.
struct Buckets {
  struct Skipped {
    handlers::ListedLimit limit;
    std::string_view missing;  // what would name its bucket
  };

  identity::Identity identity;
  std::vector<handlers::ListedLimit> limits;
  std::vector<Skipped> skipped;
};

// The buckets of `whose`, by the config:
//   a session       all limits of a client that shows it; it says what the tenant is
//   an API key      all limits of a client that shows it; it says what tenant and user are
//   a tenant alone  its limits that are counted for the tenant as a whole
//   an address      the defaults, besides; those of false claims too
// Errors: kBadRequest for what the flags say, kInvalidConfig, kNotFound and kSystem for the
// secrets. REQUIRES: the config outlives the result.
[[nodiscard]] Result<Buckets> find_buckets(const config::Config& config, const Whose& whose,
                                           TimePoint now);

// One line for each limit: how its bucket stands. Error: kStoreUnavailable.
// REQUIRES: the arguments outlive the task.
[[nodiscard]] Task<Result<std::string>> peek(Buckets& buckets, limiter::Limiter& limiter);

// Gives the full quota back, and says how many buckets had been in use. Error and REQUIRES: as
// peek(), or kStoreFault.
[[nodiscard]] Task<Result<std::string>> reset(Buckets& buckets, limiter::Limiter& limiter);

using Operation = Task<Result<std::string>> (*)(Buckets& buckets, limiter::Limiter& limiter);

// Connects to the config's store and runs one of the two there; yields its text. Errors: as both
// and find_buckets(); kBadRequest for a store that only workers can see, kSystem for a file that
// no worker has made yet, or that does not suit.
[[nodiscard]] Result<std::string> operate(const config::Config& config, const Whose& whose,
                                          Operation operation);

}  // namespace sluice
