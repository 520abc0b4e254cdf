// Time: integer microseconds, and always an argument. A Clock is asked at the edges only.
#pragma once

#include <chrono>
#include <cstdint>
#include <ctime>

namespace sluice {

using Duration = std::chrono::microseconds;
// Microseconds since 1970-01-01T00:00:00Z, as Redis TIME counts them.
using TimePoint = std::chrono::time_point<std::chrono::system_clock, Duration>;

class Clock {
 public:
  Clock() = default;
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;
  virtual ~Clock() = default;
  [[nodiscard]] virtual TimePoint now() const = 0;
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] TimePoint now() const override {
    return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
  }
};

// The system's time when this was made, and since then what has truly passed, suspended or not:
// nobody sets it.
class UnsetClock final : public Clock {
 public:
  [[nodiscard]] TimePoint now() const override { return begin_ + (since_boot() - boot_); }

 private:
  [[nodiscard]] static Duration since_boot() {
    timespec time{};
    ::clock_gettime(CLOCK_BOOTTIME, &time);
    return std::chrono::seconds(time.tv_sec) +
           std::chrono::duration_cast<Duration>(std::chrono::nanoseconds(time.tv_nsec));
  }

  TimePoint begin_ = SystemClock().now();
  Duration boot_ = since_boot();
};

// Somebody else's time: that of a clock here, and a difference that is learned; none at first.
class ShiftedClock final : public Clock {
 public:
  // `here` outlives this.
  explicit ShiftedClock(const Clock& here) : here_(here) {}

  // It is `now` there, at this moment.
  void learn(TimePoint now) { difference_ = now - here_.now(); }
  [[nodiscard]] TimePoint now() const override { return here_.now() + difference_; }

 private:
  const Clock& here_;
  Duration difference_{};
};

// Whole seconds, rounded up: what every header wants. Negative spans count as none.
[[nodiscard]] constexpr std::int64_t ceil_seconds(Duration span) {
  if (span <= Duration::zero()) return 0;
  return std::chrono::ceil<std::chrono::seconds>(span).count();
}

[[nodiscard]] constexpr std::int64_t microseconds_since_epoch(TimePoint at) {
  return at.time_since_epoch().count();
}

}  // namespace sluice
