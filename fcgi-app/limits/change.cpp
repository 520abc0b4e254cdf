#include "limits/change.h"

#include <algorithm>

namespace sluice::limits {
namespace {

// ceil(count * to / from), where the product itself would not fit. REQUIRES: count <= from, and
// none above kMaxQuota.
std::int64_t scale_up(std::int64_t count, std::int64_t from, std::int64_t to) {
  constexpr std::int64_t kHalf = 1 << 15;
  const std::int64_t high = count * (to / kHalf);
  return high / from * kHalf + divide_up(high % from * kHalf + count * (to % kHalf), from);
}

// From the limit that a bucket was charged by to the one that it is charged by now.
class Adaption {
 public:
  Adaption(const Terms& from, const Moment& to)
      : from_(from), to_(to), then_{to.limit, from, to.now} {}

  [[nodiscard]] std::optional<State> apply(const State& state) const {
    if (to_.limit.on_change == OnChange::kReset || from_.capacity == 0) return std::nullopt;
    if (is_over(state)) return std::nullopt;
    const auto* log = std::get_if<SlidingLog>(&state);
    if (log && to_.terms.algorithm == Algorithm::kSlidingLog) return resized(*log);
    const auto* sliding = std::get_if<SlidingWindow>(&state);
    if (sliding && to_.terms.algorithm == Algorithm::kSlidingWindow &&
        from_.window == to_.terms.window) {
      return SlidingWindow{count(sliding->current), count(sliding->previous), sliding->opened_at};
    }
    return std::visit([&](const auto& s) { return std::optional(moved(s)); }, state);
  }

 private:
  // Whether by the old limit nothing counts any more. Of a fixed window whose length is the same,
  // the new limit's alignment says so.
  [[nodiscard]] bool is_over(const State& state) const {
    const auto* fixed = std::get_if<FixedWindow>(&state);
    if (!fixed) return !rolled(state, then_);
    const bool same = from_.algorithm == to_.terms.algorithm && from_.window == to_.terms.window;
    // The longest real period of a calendar: 25 hours, 31 days, 366 days.
    const bool calendar = from_.alignment == Alignment::kCalendar;
    const Duration longest = from_.window + (calendar ? from_.window / 24 : Duration::zero());
    return !same && fixed->opened_at + longest <= to_.now;
  }

  // The units in use, charged at once at a moment that the state has.
  [[nodiscard]] State moved(const FixedWindow& state) const {
    return filled(to_, count(state.used), state.opened_at);
  }
  [[nodiscard]] State moved(const SlidingLog& state) const {
    return filled(to_, count(used_units(state, then_)), state.units.back());
  }
  [[nodiscard]] State moved(const SlidingWindow& state) const {
    return filled(to_, count(used_units(*rolled(State(state), then_), then_)), state.opened_at);
  }
  [[nodiscard]] State moved(const Level& state) const {
    return filled(to_, count(used_units(state, then_)), state.at);
  }

  [[nodiscard]] std::int64_t count(std::int64_t units) const {
    if (to_.limit.on_change == OnChange::kProportional) {
      units = scale_up(units, from_.capacity, to_.terms.capacity);
    }
    return std::min(units, to_.terms.capacity);
  }

  // The newest units stay; a larger share is made up by more of the newest. What has left the old
  // window is gone.
  [[nodiscard]] SlidingLog resized(const SlidingLog& state) const {
    const auto kept = static_cast<std::size_t>(count(used_units(state, then_)));
    SlidingLog result = state;
    result.units.erase(
        result.units.begin(),
        result.units.end() - static_cast<std::ptrdiff_t>(std::min(kept, state.units.size())));
    std::erase_if(result.units, [&](TimePoint unit) { return unit + from_.window <= to_.now; });
    if (kept > state.units.size()) {
      result.units.insert(result.units.end(), kept - state.units.size(), state.units.back());
    }
    return result;
  }

  Terms from_;
  const Moment& to_;
  Moment then_;
};

}  // namespace

std::optional<State> changed(const Bucket& bucket, const Moment& m) {
  return Adaption(bucket.terms, m).apply(bucket.state);
}

}  // namespace sluice::limits
