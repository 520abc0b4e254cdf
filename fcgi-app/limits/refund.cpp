// The part of arithmetic.h that gives units back. store/redis/marks.lua has the same, step for
// step.
#include <algorithm>

#include "limits/arithmetic.h"

namespace sluice::limits {

std::int64_t held(const FixedWindow& state, const Moment& /*m*/, const Trace& trace) {
  return state.opened_at == trace.at ? state.used : 0;
}

FixedWindow refunded(FixedWindow state, const Moment& /*m*/, const Trace& /*trace*/,
                     std::int64_t units) {
  state.used -= units;
  return state;
}

std::int64_t held(const SlidingLog& state, const Moment& /*m*/, const Trace& trace) {
  return std::count(state.units.begin(), state.units.end(), trace.at);
}

SlidingLog refunded(SlidingLog state, const Moment& /*m*/, const Trace& trace, std::int64_t units) {
  const auto first = std::lower_bound(state.units.begin(), state.units.end(), trace.at);
  state.units.erase(first, first + units);
  return state;
}

std::int64_t held(const SlidingWindow& state, const Moment& m, const Trace& trace) {
  if (state.opened_at == trace.at) return state.current;
  return state.opened_at == trace.at + m.terms.window ? state.previous : 0;
}

SlidingWindow refunded(SlidingWindow state, const Moment& /*m*/, const Trace& trace,
                       std::int64_t units) {
  (state.opened_at == trace.at ? state.current : state.previous) -= units;
  return state;
}

// What drains is taken for the refund's own units first. In truth older ones leave before them; but
// these may have been given back since then, and what has drained must not be given back twice.
std::int64_t held(const Level& state, const Moment& m, const Trace& trace) {
  const std::int64_t passed = std::max<std::int64_t>(0, (m.now - trace.at) / m.terms.tick);
  if (passed >= divide_up(trace.level, m.terms.quota)) return 0;
  const std::int64_t left = std::min(state.level, trace.level - passed * m.terms.quota);
  return left / m.terms.window_ticks();
}

// Of a level that lies ahead, as the clock was set back, so little may be left that nobody waits
// for it: see rolled().
Level refunded(Level state, const Moment& m, const Trace& /*trace*/, std::int64_t units) {
  state.level -= units * m.terms.window_ticks();
  if (!rolled(state, m)) state.level = 0;
  return state;
}

}  // namespace sluice::limits
