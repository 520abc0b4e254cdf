// Reserve now, settle later: a request whose cost is known at its end only is charged an estimate,
// and whoever served it says what it really cost.
//
// Reserving is a decision like any other, with a mark beside its buckets. So the estimate is
// charged from the first moment on, and used and reserved units together never exceed a quota.
// Settling replaces the mark, and moves the difference in the same call: it happens once, however
// often it is asked for. What nobody settles stays charged as it was estimated; nothing has to be
// cleaned up, whoever dies.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "base/task.h"
#include "limiter/bucket_key.h"
#include "limits/charge.h"
#include "limits/cost.h"
#include "limits/plan.h"
#include "store/store.h"

namespace sluice::limiter {

// What a settlement did.
struct Settlement {
  struct Moved {
    std::string limit;  // its name
    std::int64_t units = 0;
  };

  std::string unit;  // empty: requests
  std::int64_t estimate = 0;
  std::int64_t actual = 0;  // more than the estimate: units were charged; less: refunded
  std::vector<Moved> moved;
};

class Reservations {
 public:
  // How long after its end a reservation can be told from none at all.
  static constexpr Duration kRemembered = std::chrono::minutes(10);

  // Both outlive the object.
  Reservations(store::BucketStore& store, const KeySpace& keys) : store_(store), keys_(keys) {}

  // What a decision that reserves asks of the store. It refers to itself.
  struct Draft {
    limits::Limit counter = {};           // of what is reserved, see reserved_units.h
    std::vector<limits::Charge> charges;  // the decision's, and then those of counters
    limits::Mark mark;
  };

  // nullptr where none of `charges` counts the unit of the estimate. REQUIRES: cost.estimate.
  [[nodiscard]] std::unique_ptr<const Draft> draft(std::span<const limits::Charge> charges,
                                                   const limits::Cost& cost, const DecisionId& id,
                                                   TimePoint now) const;

  // Makes a reservation that was made with `mark` known by its id. Errors as of
  // BucketStore::take(): then nobody can settle it. REQUIRES: `mark` outlives the task.
  [[nodiscard]] Task<Result<void>> publish(const limits::Mark& mark, const DecisionId& id) const;

  // Charges or refunds what `actual` units (0 to limits::kMaxQuota) are more or less than the
  // estimate. What is more is charged as far as there is room: debts are bounded by the quota. What
  // is less is refunded as far as it still counts. A limit that was changed since then refunds
  // nothing, and one that is gone moves nothing. The same once more yields the same. Errors:
  // kNoReservation, kSettledOtherwise, kReservationOver; as of BucketStore::take(). REQUIRES: all
  // arguments outlive the task.
  [[nodiscard]] Task<Result<Settlement>> settle(const limits::Plans& plans, std::string_view id,
                                                std::int64_t actual, TimePoint now) const;

  // How many units of the bucket `key` are reserved, by reservations that live as long as one of
  // `lives`. Errors as of BucketStore::take().
  [[nodiscard]] Task<Result<std::int64_t>> reserved(std::string key, std::vector<Duration> lives,
                                                    TimePoint now) const;

 private:
  // The key of the mark of the reservation `id`.
  [[nodiscard]] Task<Result<std::string>> key_of(std::string_view id) const;

  store::BucketStore& store_;
  const KeySpace& keys_;
};

}  // namespace sluice::limiter
