// The observer: sees every request that serve() answers, and every decision. One place for all that
// wants to know of them: what workers count, and the denial log.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "identity/identity.h"
#include "limits/charge.h"
#include "limits/cost.h"
#include "telemetry/counters.h"
#include "telemetry/denial_log.h"
#include "telemetry/log.h"

namespace sluice::telemetry {

class Observer {
 public:
  // `memory` is for Counters. The log, which may be nullptr, outlives the observer; it is told of
  // denials, and where a worker has no slot.
  Observer(std::span<std::byte> memory, Log* log);

  [[nodiscard]] Counters& counters() { return counters_; }

 private:
  friend class Observation;

  Counters counters_;
  DenialLog denials_;
};

// What a host may want to know of a request besides its answer.
struct Told {
  std::string route;        // where there is one
  std::string tenant;       // that the caller proved
  bool hands_over = false;  // whether the host wants the next
  std::string handed_over;  // the decision for a worker, see limits/handed_over.h
  Outcome outcome = Outcome::kUnfinished;
};

// What is seen of one request. When it goes, the request is counted: as unfinished, unless
// refused() or answered() was called. The arguments outlive it, and so do those of matched().
// `told` is written where there is one.
class Observation {
 public:
  Observation(Observer& observer, const DenialLog::Options& denials, Told* told = nullptr)
      : observer_(observer), denials_(denials), told_(told) {}
  ~Observation() {
    if (is_counted_) return;
    const Outcome outcome = is_answered_ ? outcome_ : Outcome::kUnfinished;
    observer_.counters_.add(Counters::of_route(route_, outcome));
  }
  Observation(const Observation&) = delete;
  Observation& operator=(const Observation&) = delete;

  void matched(std::string_view route) {
    route_name_ = route;
    if (told_) told_->route = route;
    route_ = observer_.counters_.routes().number({route});
  }
  // A decision begins now, and then it is there. The last of a request's decisions says what
  // becomes of it. Where that was nginx's, so is counting.
  void deciding() { began_ = std::chrono::steady_clock::now(); }
  void decided(const limits::Decision& decision, const identity::Identity& identity,
               const limits::Cost& cost);
  // The request is answered with `answer`, whatever was decided.
  template <class Answer>
  [[nodiscard]] Answer refused(Answer answer) {
    outcome_ = Outcome::kRefused;
    answered();
    return answer;
  }
  void answered() {
    is_answered_ = true;
    if (told_) told_->outcome = outcome_;
  }

 private:
  // Both: whether some limit in shadow mode would have denied.
  [[nodiscard]] bool count(const limits::Decision& decision, const identity::Identity& identity,
                           std::int64_t cost);
  [[nodiscard]] bool count_limits(const limits::Decision& decision);

  Observer& observer_;
  const DenialLog::Options& denials_;
  Told* told_;
  std::string_view route_name_;
  std::size_t route_ = Names::kOther;
  std::chrono::steady_clock::time_point began_;
  Outcome outcome_ = Outcome::kAllowed;  // where there was nothing to decide
  bool is_answered_ = false;
  bool is_counted_ = false;  // by nginx
};

}  // namespace sluice::telemetry
