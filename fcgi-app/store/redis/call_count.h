// Counts a call of Redis when it goes: what for, and how long it took.
#pragma once

#include <chrono>
#include <cstddef>

#include "base/clock.h"
#include "telemetry/counters.h"

namespace sluice::store {

class CallCount {
 public:
  // A call for so many decisions begins now. `counters` may be nullptr; they outlive the object.
  CallCount(telemetry::Counters* counters, std::size_t decisions)
      : counters_(counters), decisions_(decisions) {
    if (counters_) began_ = std::chrono::steady_clock::now();
  }
  ~CallCount() {
    if (!counters_) return;
    const auto took = std::chrono::steady_clock::now() - began_;
    counters_->add_duration(telemetry::Timed::kStoreCall,
                            std::chrono::duration_cast<Duration>(took));
    counters_->add(telemetry::Counters::of(telemetry::Total::kStoreDecisions), decisions_);
  }
  CallCount(const CallCount&) = delete;
  CallCount& operator=(const CallCount&) = delete;

 private:
  telemetry::Counters* counters_;
  std::size_t decisions_;
  std::chrono::steady_clock::time_point began_;
};

}  // namespace sluice::store
