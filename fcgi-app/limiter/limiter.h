// decide(): may this request pass? Never fails; a store that cannot answer is a policy's business.
#pragma once

#include <cstdint>
#include <string>

#include "identity/identity.h"
#include "limits/plan.h"
#include "store/store.h"

namespace sluice::limiter {

class Limiter {
 public:
  struct Options {
    std::string key_prefix = "sluice";  // an id
  };

  // `store` outlives the limiter.
  Limiter(store::BucketStore& store, Options options)
      : store_(store), options_(std::move(options)) {}

  // Charges `cost` units to every limit that enforces, or to none. Without limits nothing is asked
  // and the answer is yes. When the store is unavailable the strictest on_store_error decides; when
  // it answers nonsense the answer is no. REQUIRES: the limits and the identity outlive the task.
  [[nodiscard]] Task<limits::Decision> decide(const limits::LimitSet& limits,
                                              const identity::Identity& identity,
                                              std::string_view route, std::int64_t cost);

  // Gives back the full quota of every limit; yields how many had been in use. Errors as of
  // BucketStore::reset(). REQUIRES: as decide().
  [[nodiscard]] Task<Result<std::int64_t>> reset(const limits::LimitSet& limits,
                                                 const identity::Identity& identity,
                                                 std::string_view route);

 private:
  store::BucketStore& store_;
  Options options_;
};

}  // namespace sluice::limiter
