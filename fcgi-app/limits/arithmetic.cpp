#include "limits/arithmetic.h"

#include <algorithm>

#include "limits/calendar.h"

namespace sluice::limits {
namespace {

TimePoint clock_start(Duration window, TimePoint now) {
  return now - now.time_since_epoch() % window;
}

TimePoint opens_at(const Moment& m) {
  switch (m.limit.alignment) {
    case Alignment::kFirstHit:
      break;
    case Alignment::kClock:
      return clock_start(m.terms.window, m.now);
    case Alignment::kCalendar:
      return calendar_boundaries(m.limit.rate.window.unit, m.limit.time_zone, m.now)[0];
  }
  return m.now;
}

// When the window that was opened at `opened_at` closes; not after now if it has.
TimePoint closes_at(const Moment& m, TimePoint opened_at) {
  switch (m.limit.alignment) {
    case Alignment::kFirstHit:
      break;
    case Alignment::kClock: {
      const TimePoint start = clock_start(m.terms.window, m.now);
      return opened_at < start ? start : start + m.terms.window;
    }
    case Alignment::kCalendar: {
      const auto [start, end, next] =
          calendar_boundaries(m.limit.rate.window.unit, m.limit.time_zone, m.now);
      return opened_at < start ? start : end;
    }
  }
  return opened_at + m.terms.window;
}

}  // namespace

// --- fixed_window

std::optional<State> rolled(const FixedWindow& state, const Moment& m) {
  if (state.used == 0 || state.opened_at > m.now) return std::nullopt;
  if (closes_at(m, state.opened_at) <= m.now) return std::nullopt;
  return state;
}

std::int64_t used_units(const FixedWindow& state, const Moment& /*m*/) {
  return state.used;
}

FixedWindow charged(FixedWindow state, const Moment& /*m*/, std::int64_t cost) {
  state.used += cost;
  return state;
}

Duration keep_for(const FixedWindow& state, const Moment& m) {
  return closes_at(m, state.opened_at) - m.now;
}

TimePoint ready_at(const FixedWindow& view, const Moment& m, std::int64_t /*room*/) {
  return closes_at(m, view.opened_at);
}

// --- sliding_log

std::optional<State> rolled(SlidingLog state, const Moment& m) {
  std::erase_if(state.units,
                [&](TimePoint unit) { return unit + m.terms.window <= m.now || unit > m.now; });
  if (state.units.empty()) return std::nullopt;
  return state;
}

std::int64_t used_units(const SlidingLog& state, const Moment& /*m*/) {
  return static_cast<std::int64_t>(state.units.size());
}

SlidingLog charged(SlidingLog state, const Moment& m, std::int64_t cost) {
  state.units.insert(state.units.end(), static_cast<std::size_t>(cost), m.now);
  return state;
}

Duration keep_for(const SlidingLog& state, const Moment& m) {
  if (state.units.empty()) return Duration::zero();
  return state.units.back() + m.terms.window - m.now;
}

LogView view_of(const SlidingLog& state, const Moment& m, std::int64_t cost) {
  if (state.units.empty()) return {};
  const std::int64_t used = used_units(state, m);
  const bool waits = cost <= m.terms.quota && used + cost > m.terms.quota;
  const std::int64_t leaving = waits ? used + cost - m.terms.quota : 1;
  return {used, state.units.back(), state.units[static_cast<std::size_t>(leaving - 1)]};
}

std::int64_t used_units(const LogView& view, const Moment& /*m*/) {
  return view.used;
}

TimePoint ready_at(const LogView& view, const Moment& m, std::int64_t room) {
  return (room == 0 ? view.newest : view.pivot) + m.terms.window;
}

// --- sliding_window

static std::int64_t elapsed_ticks(const SlidingWindow& state, const Moment& m) {
  return (m.now - state.opened_at) / m.terms.tick;
}

std::optional<State> rolled(SlidingWindow state, const Moment& m) {
  if (state.opened_at > m.now) return std::nullopt;
  const std::int64_t passed = (m.now - state.opened_at) / m.terms.window;
  if (passed == 1) {
    state = {.current = 0, .previous = state.current, .opened_at = state.opened_at};
    state.opened_at += m.terms.window;
  }
  if (passed > 1 || state.current + state.previous == 0) return std::nullopt;
  return state;
}

std::int64_t used_units(const SlidingWindow& state, const Moment& m) {
  const std::int64_t ticks = m.terms.window_ticks();
  return state.current + state.previous * (ticks - elapsed_ticks(state, m)) / ticks;
}

SlidingWindow charged(SlidingWindow state, const Moment& /*m*/, std::int64_t cost) {
  state.current += cost;
  return state;
}

Duration keep_for(const SlidingWindow& state, const Moment& m) {
  const int windows = state.current > 0 ? 2 : 1;
  return state.opened_at + windows * m.terms.window - m.now;
}

// How many ticks of a window must have passed before `counted` units of the one before it weigh
// no more than `room`: the least e for which floor(counted * (ticks - e) / ticks) <= room.
static std::int64_t ticks_until(std::int64_t counted, std::int64_t room, std::int64_t ticks) {
  if (room >= counted) return 0;
  return ticks + 1 - divide_up((room + 1) * ticks, counted);
}

TimePoint ready_at(const SlidingWindow& view, const Moment& m, std::int64_t room) {
  const Terms& terms = m.terms;
  const std::int64_t ticks = terms.window_ticks();
  if (room >= view.current) {
    return view.opened_at + ticks_until(view.previous, room - view.current, ticks) * terms.tick;
  }
  return view.opened_at + terms.window + ticks_until(view.current, room, ticks) * terms.tick;
}

// --- token_bucket and leaky_bucket

// How long `parts` of units take to drain, counted from the moment the level is of.
static Duration drain_time(std::int64_t parts, const Terms& terms) {
  return divide_up(parts, terms.quota) * terms.tick;
}

std::optional<State> rolled(Level state, const Moment& m) {
  if (state.level == 0 || m.terms.quota == 0) return std::nullopt;
  const Duration drain = drain_time(state.level, m.terms);
  // A clock set back a little is waited for: a step of a microsecond must not give a burst away.
  if (state.at > m.now) {
    const bool little = state.at - m.now <= std::min(drain, m.terms.window);
    return little ? std::optional<State>(state) : std::nullopt;
  }
  const std::int64_t ticks = (m.now - state.at) / m.terms.tick;
  if (ticks * m.terms.tick >= drain) return std::nullopt;
  return Level{state.level - ticks * m.terms.quota, state.at + ticks * m.terms.tick};
}

std::int64_t used_units(const Level& state, const Moment& m) {
  return divide_up(state.level, m.terms.window_ticks());
}

Level charged(Level state, const Moment& m, std::int64_t cost) {
  state.level += cost * m.terms.window_ticks();
  return state;
}

Duration keep_for(const Level& state, const Moment& m) {
  return state.at + drain_time(state.level, m.terms) - m.now;
}

TimePoint ready_at(const Level& view, const Moment& m, std::int64_t room) {
  return view.at + drain_time(view.level - room * m.terms.window_ticks(), m.terms);
}

State filled(const Moment& m, std::int64_t count, TimePoint at) {
  switch (m.terms.algorithm) {
    case Algorithm::kFixedWindow:
      break;
    case Algorithm::kSlidingLog:
      return SlidingLog{std::vector<TimePoint>(static_cast<std::size_t>(count), at)};
    case Algorithm::kSlidingWindow:
      return SlidingWindow{.current = count, .previous = 0, .opened_at = at};
    case Algorithm::kTokenBucket:
    case Algorithm::kLeakyBucket:
      return Level{count * m.terms.window_ticks(), at};
  }
  return FixedWindow{count, at};
}

State empty(const Moment& m) {
  return filled(m, 0, m.terms.algorithm == Algorithm::kFixedWindow ? opens_at(m) : m.now);
}

std::optional<State> rolled(const State& state, const Moment& m) {
  return std::visit([&](const auto& s) { return rolled(s, m); }, state);
}

std::int64_t used_units(const State& state, const Moment& m) {
  return std::visit([&](const auto& s) { return used_units(s, m); }, state);
}

}  // namespace sluice::limits
