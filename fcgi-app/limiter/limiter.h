// decide(): may this request pass? Never fails; where no store can answer, on_store_error does.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/task_group.h"
#include "identity/identity.h"
#include "limiter/bucket_key.h"
#include "limiter/decision_ids.h"
#include "limiter/newcomers.h"
#include "limiter/penalty.h"
#include "limiter/reservations.h"
#include "limits/plan.h"
#include "store/store.h"
#include "telemetry/log.h"

namespace sluice::limiter {

class Limiter {
 public:
  struct Options {
    KeySpace keys{};
    Newcomers::Options newcomers = {};
    Penalty::Options penalty = {};
  };

  // All arguments but the options outlive the limiter; `log` may be nullptr. `clock` is the
  // store's, and `newcomers` memory as that class asks for.
  Limiter(store::BucketStore& store, const Clock& clock, std::span<std::byte> newcomers,
          Options options, telemetry::Log* log = nullptr);
  Limiter(const Limiter&) = delete;
  Limiter& operator=(const Limiter&) = delete;
  ~Limiter() = default;

  // Charges `cost` to every limit that enforces, or to none. Limits of a unit that the request does
  // not cost do not count it. Of an estimate a reservation is made. An ended session is denied
  // (BarredBy::kEndedSession), also on routes without limits. A caller who is locked out is denied
  // (kLockOut) if the request costs something; if it costs nothing, the decision only says so.
  // Where there is nothing to ask, the answer is yes. When the store is unavailable, the strictest
  // on_store_error decides. When it answers nonsense, the answer is no. What costs nothing, and
  // what nobody is asked, has no id.
  //
  // This is mostly one call of the store. A request that names a session only once, and one of a
  // newcomer to `defaults` who has to share, have keys of two tags, and so more calls (by_tag.h).
  //
  // REQUIRES: the limits, the identity and what the cost refers to outlive the task.
  [[nodiscard]] Task<limits::Decision> decide(const limits::LimitSet& limits,
                                              const identity::Identity& identity,
                                              std::string_view route, limits::Cost cost);

  // As Reservations::settle().
  [[nodiscard]] Task<Result<Settlement>> settle(const limits::Plans& plans, std::string_view id,
                                                std::int64_t actual);

  // How many units of the identity's bucket are reserved, by reservations that live as long as one
  // of `lives`. Errors as of BucketStore::take().
  [[nodiscard]] Task<Result<std::int64_t>> reserved(const limits::Limit& limit,
                                                    const identity::Identity& identity,
                                                    std::string_view route,
                                                    std::vector<Duration> lives);

  [[nodiscard]] const Tags& tags() const { return options_.keys.tags; }

  // Gives back the full quota of every limit; yields how many of the buckets had been in use.
  // Errors as of BucketStore::reset(). REQUIRES: as decide().
  [[nodiscard]] Task<Result<std::int64_t>> reset(const limits::LimitSet& limits,
                                                 const identity::Identity& identity,
                                                 std::string_view route);
  // Lets the callers of these limits, others than `identity` too, open new buckets again, on this
  // host, and gives the bucket that newcomers share its full quota back. Yields how many of all
  // these had been in use. Errors and REQUIRES: as reset().
  [[nodiscard]] Task<Result<std::int64_t>> reset_crowds(const limits::LimitSet& limits,
                                                        const identity::Identity& identity,
                                                        std::string_view route);

  // Ends the identity's session, on all workers at once, for the time that it would still have
  // lived; false: it had been ended. Errors as of BucketStore::take(), and kTooManyEnded: a
  // tenant's bars are bounded, in a day, as its buckets are. Of these a network has a tenth at
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
  // What is done about newcomers before the store is asked.
  struct Places {
    std::vector<std::pair<std::size_t, Newcomers::Place>> reserved;  // by number of the charge
    bool crowded = false;  // some charge goes to a bucket that newcomers share
  };

  [[nodiscard]] std::vector<limits::Charge> charges_of(const limits::LimitSet& limits,
                                                       const identity::Identity& identity,
                                                       std::string_view route,
                                                       const limits::Cost& cost) const;
  [[nodiscard]] std::vector<limits::Bar> bars_of(const identity::Identity& identity) const;
  [[nodiscard]] Task<Places> find_places(std::vector<limits::Charge>& charges,
                                         const identity::Identity& identity, std::string_view route,
                                         TimePoint now);
  void learn(const limits::Decision& decision, const std::vector<limits::Charge>& charges,
             const identity::Identity& identity, std::string_view route);
  [[nodiscard]] Task<void> count_denial(identity::Identity identity);
  void note_crowd(const limits::Decision& decision, const identity::Identity& identity);

  store::BucketStore& store_;
  const Clock& clock_;
  Options options_;
  telemetry::Log* log_;
  Newcomers newcomers_;
  Penalty penalty_;
  DecisionIds ids_;
  Reservations reservations_;
  limits::Limit endings_;           // how many sessions of a tenant may be ended in a day
  limits::Limit own_endings_;       // how many of these from one network
  std::set<std::string> counting_;  // keys of the denials that are being counted
  std::optional<TimePoint> crowd_noted_at_;
  TaskGroup tasks_;
};

}  // namespace sluice::limiter
