// A clock that a test moves by hand.
#pragma once

#include "base/clock.h"

namespace sluice {

class ManualClock final : public Clock {
 public:
  explicit ManualClock(TimePoint now = TimePoint(std::chrono::seconds(1'800'000'000)))
      : now_(now) {}
  [[nodiscard]] TimePoint now() const override { return now_; }
  void advance(Duration by) { now_ += by; }

 private:
  TimePoint now_;
};

}  // namespace sluice
