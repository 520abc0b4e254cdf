// The observer: sees every request that serve() answers, and every decision. One place for all that
// wants to know of them; today it counts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "limits/charge.h"
#include "telemetry/counters.h"
#include "telemetry/log.h"

namespace sluice::telemetry {

class Observer {
 public:
  // `memory` is for Counters. The log, which may be nullptr, outlives the observer; it is told
  // where a worker has no slot.
  Observer(std::span<std::byte> memory, Log* log);

  [[nodiscard]] const Counters& counters() const { return counters_; }

 private:
  friend class Observation;

  Counters counters_;
};

// What is seen of one request. When it goes, the request is counted: as unfinished, unless
// refused() or answered() was called. `observer` outlives it.
class Observation {
 public:
  explicit Observation(Observer& observer) : observer_(observer) {}
  ~Observation() {
    observer_.counters_.add(route_, is_answered_ ? outcome_ : Outcome::kUnfinished);
  }
  Observation(const Observation&) = delete;
  Observation& operator=(const Observation&) = delete;

  void matched(std::size_t route) { route_ = route; }
  // The last of a request's decisions says what becomes of it.
  void decided(const limits::Decision& decision, std::int64_t cost);
  // The request is answered with `answer`, whatever was decided.
  template <class Answer>
  [[nodiscard]] Answer refused(Answer answer) {
    outcome_ = Outcome::kRefused;
    is_answered_ = true;
    return answer;
  }
  void answered() { is_answered_ = true; }

 private:
  Observer& observer_;
  std::size_t route_ = Counters::kOtherRoutes;
  Outcome outcome_ = Outcome::kAllowed;  // where there was nothing to decide
  bool is_answered_ = false;
};

}  // namespace sluice::telemetry
