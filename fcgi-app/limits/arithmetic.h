// The arithmetic of one algorithm each, over its state; algorithm.cpp puts it together.
//
// "Rolled" is a state brought forward to the moment: nullopt where nothing of it counts any more.
// All else is asked of rolled states only. Products stay below kMaxProduct, see Terms::tick.
#pragma once

#include <optional>

#include "limits/bucket.h"
#include "limits/charge.h"

namespace sluice::limits {

// A limit at a moment, and the terms to count by: the limit's own, or older ones.
struct Moment {
  const Limit& limit;
  Terms terms;
  TimePoint now;
};

// ceil(dividend / divisor). REQUIRES: dividend >= 0, divisor > 0.
[[nodiscard]] constexpr std::int64_t divide_up(std::int64_t dividend, std::int64_t divisor) {
  return (dividend + divisor - 1) / divisor;
}

[[nodiscard]] std::optional<State> rolled(const FixedWindow& state, const Moment& m);
[[nodiscard]] std::optional<State> rolled(SlidingLog state, const Moment& m);
[[nodiscard]] std::optional<State> rolled(SlidingWindow state, const Moment& m);
[[nodiscard]] std::optional<State> rolled(Level state, const Moment& m);

// Whole units in use: of a bucket rounded up, of a sliding window down.
[[nodiscard]] std::int64_t used_units(const FixedWindow& state, const Moment& m);
[[nodiscard]] std::int64_t used_units(const SlidingLog& state, const Moment& m);
[[nodiscard]] std::int64_t used_units(const LogView& view, const Moment& m);
[[nodiscard]] std::int64_t used_units(const SlidingWindow& state, const Moment& m);
[[nodiscard]] std::int64_t used_units(const Level& state, const Moment& m);

// With `cost` units more. REQUIRES: they fit.
[[nodiscard]] FixedWindow charged(FixedWindow state, const Moment& m, std::int64_t cost);
[[nodiscard]] SlidingLog charged(SlidingLog state, const Moment& m, std::int64_t cost);
[[nodiscard]] SlidingWindow charged(SlidingWindow state, const Moment& m, std::int64_t cost);
[[nodiscard]] Level charged(Level state, const Moment& m, std::int64_t cost);

// How many of the units that `trace` stands for are in the state still. Of a bucket that drains,
// those that were in it first leave first: what came later does not bring them back.
[[nodiscard]] std::int64_t held(const FixedWindow& state, const Moment& m, const Trace& trace);
[[nodiscard]] std::int64_t held(const SlidingLog& state, const Moment& m, const Trace& trace);
[[nodiscard]] std::int64_t held(const SlidingWindow& state, const Moment& m, const Trace& trace);
[[nodiscard]] std::int64_t held(const Level& state, const Moment& m, const Trace& trace);

// Without `units` of them. REQUIRES: it holds so many.
[[nodiscard]] FixedWindow refunded(FixedWindow state, const Moment& m, const Trace& trace,
                                   std::int64_t units);
[[nodiscard]] SlidingLog refunded(SlidingLog state, const Moment& m, const Trace& trace,
                                  std::int64_t units);
[[nodiscard]] SlidingWindow refunded(SlidingWindow state, const Moment& m, const Trace& trace,
                                     std::int64_t units);
[[nodiscard]] Level refunded(Level state, const Moment& m, const Trace& trace, std::int64_t units);

// How long until nothing of the state counts. Of one without units it may be 0 or less.
[[nodiscard]] Duration keep_for(const FixedWindow& state, const Moment& m);
[[nodiscard]] Duration keep_for(const SlidingLog& state, const Moment& m);
[[nodiscard]] Duration keep_for(const SlidingWindow& state, const Moment& m);
[[nodiscard]] Duration keep_for(const Level& state, const Moment& m);

// When no more than `room` units are in use, if nothing is charged until then; it may be past. Of a
// log, `room` is 0, or what its pivot stands for. REQUIRES: more are in use.
[[nodiscard]] TimePoint ready_at(const FixedWindow& view, const Moment& m, std::int64_t room);
[[nodiscard]] TimePoint ready_at(const LogView& view, const Moment& m, std::int64_t room);
[[nodiscard]] TimePoint ready_at(const SlidingWindow& view, const Moment& m, std::int64_t room);
[[nodiscard]] TimePoint ready_at(const Level& view, const Moment& m, std::int64_t room);

// What balance() takes, of a state for which `cost` may be too much.
[[nodiscard]] LogView view_of(const SlidingLog& state, const Moment& m, std::int64_t cost);
template <class S>
[[nodiscard]] const S& view_of(const S& state, const Moment& /*m*/, std::int64_t /*cost*/) {
  return state;  // all others are their own view
}

// A state of m.terms that had `count` units charged at once, at `at`.
[[nodiscard]] State filled(const Moment& m, std::int64_t count, TimePoint at);
// One to charge now.
[[nodiscard]] State empty(const Moment& m);

[[nodiscard]] std::optional<State> rolled(const State& state, const Moment& m);
[[nodiscard]] std::int64_t used_units(const State& state, const Moment& m);

}  // namespace sluice::limits
