// decide(): may this request pass? Never fails; a store that cannot answer is a policy's business.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/task_group.h"
#include "identity/identity.h"
#include "limiter/guards.h"
#include "limiter/penalty.h"
#include "limits/plan.h"
#include "store/store.h"
#include "telemetry/log.h"

namespace sluice::limiter {

class Limiter {
 public:
  struct Options {
    std::string key_prefix = "sluice";  // an id
    Guards::Options guards = {};
    Penalty::Options penalty = {};
  };

  // `store` and `log` outlive the limiter; `log` may be nullptr.
  Limiter(store::BucketStore& store, Options options, telemetry::Log* log = nullptr);
  Limiter(const Limiter&) = delete;
  Limiter& operator=(const Limiter&) = delete;
  ~Limiter() = default;

  // Charges `cost` units to every limit that enforces, or to none. A revoked session is denied
  // (Hold::kRevoked), on routes without limits too; so is, where something is charged, who is
  // locked out (kPenalty); else that is only told. Where there is nothing to ask, the answer is
  // yes. When the store is unavailable the strictest on_store_error decides; when it answers
  // nonsense the answer is no. REQUIRES: the limits and the identity outlive the task.
  [[nodiscard]] Task<limits::Decision> decide(const limits::LimitSet& limits,
                                              const identity::Identity& identity,
                                              std::string_view route, std::int64_t cost);

  // Gives back the full quota of every limit; yields how many of the buckets had been in use.
  // Errors as of BucketStore::reset(). REQUIRES: as decide().
  [[nodiscard]] Task<Result<std::int64_t>> reset(const limits::LimitSet& limits,
                                                 const identity::Identity& identity,
                                                 std::string_view route);
  // Lets the callers of these limits, others than `identity` too, open new buckets again, and gives
  // the bucket that newcomers share its full quota back. Yields how many of all these had been in
  // use. Errors and REQUIRES: as reset().
  [[nodiscard]] Task<Result<std::int64_t>> reset_guards(const limits::LimitSet& limits,
                                                        const identity::Identity& identity,
                                                        std::string_view route);

  // Ends the identity's session, on all workers at once, for the time that it would still have
  // lived; false: it had been ended. Errors as of BucketStore::take(), and kTooManyEnded: a
  // tenant's marks are bounded, in a day, as its buckets are. Of these a network has a tenth at
  // most, so that nobody takes it away from others: past that it is kTooManyEndedHere. REQUIRES:
  // identity.session; it outlives the task.
  [[nodiscard]] Task<Result<bool>> revoke(const identity::Identity& identity, Duration left);

  // Forgets the denials, and ends a lock-out; yields whether there was any of it. Errors as of
  // BucketStore::reset(). REQUIRES: the identity outlives the task.
  [[nodiscard]] Task<Result<bool>> forgive(const identity::Identity& identity);

  // Denials are counted by tasks of the limiter's own, for which no answer waits. Calls back once,
  // when none is being counted; at once if none is.
  void drain(std::function<void()> on_drained) { tasks_.when_empty(std::move(on_drained)); }

 private:
  [[nodiscard]] std::vector<limits::Charge> charges_of(const limits::LimitSet& limits,
                                                       const identity::Identity& identity,
                                                       std::string_view route, std::int64_t cost);
  [[nodiscard]] Task<void> count_denial(identity::Identity identity);
  void note_crowd(const limits::Decision& decision, const identity::Identity& identity);

  store::BucketStore& store_;
  Options options_;
  telemetry::Log* log_;
  Guards guards_;
  Penalty penalty_;
  limits::Limit revocations_;       // how many sessions of a tenant may be ended in a day
  limits::Limit own_revocations_;   // how many of these from one network
  std::set<std::string> counting_;  // keys of the denials that are being counted
  std::optional<TimePoint> crowd_noted_at_;
  TaskGroup tasks_;
};

}  // namespace sluice::limiter
