#include "limits/algorithm.h"

#include <algorithm>

#include "limits/arithmetic.h"
#include "limits/change.h"

namespace sluice::limits {
namespace {

// What is kept of a bucket that a refund has emptied: Redis knows no shorter time.
constexpr Duration kShortest = std::chrono::milliseconds(1);

std::optional<Bucket> as_of(const std::optional<Bucket>& stored, const Moment& m) {
  if (!stored) return std::nullopt;
  std::optional<State> state = stored->state;
  if (stored->terms != m.terms) state = changed(*stored, m);
  if (state) state = rolled(*state, m);
  if (!state) return std::nullopt;
  return Bucket{m.terms, std::move(*state)};
}

// Of each view: nothing that no longer counts, no more than there is, and a cost that has to wait.

bool is_sound(const FixedWindow& view, const Moment& m, std::int64_t cost) {
  return is_time(view.opened_at) && view.used <= m.terms.capacity &&
         (view.used == 0 || rolled(view, m)) && (cost == 0 || view.used + cost > m.terms.capacity);
}

bool is_sound(const LogView& view, const Moment& m, std::int64_t cost) {
  const auto counts = [&](TimePoint unit) {
    return is_time(unit) && unit <= m.now && unit + m.terms.window > m.now;
  };
  return view.used <= m.terms.capacity &&
         (view.used == 0 ||
          (counts(view.newest) && counts(view.pivot) && view.pivot <= view.newest)) &&
         (cost == 0 || view.used + cost > m.terms.capacity);
}

bool is_sound(const SlidingWindow& view, const Moment& m, std::int64_t cost) {
  if (!is_time(view.opened_at) || view.current > m.terms.capacity ||
      view.previous > m.terms.capacity) {
    return false;
  }
  const bool is_full = view.current == 0 && view.previous == 0;
  return (is_full || rolled(view, m) == State(view)) &&
         (cost == 0 || (!is_full && used_units(view, m) + cost > m.terms.capacity));
}

bool is_sound(const Level& view, const Moment& m, std::int64_t cost) {
  const std::int64_t brim = m.terms.capacity * m.terms.window_ticks();
  return is_time(view.at) && view.level >= 0 && view.level <= brim &&
         (view.level == 0 || rolled(view, m) == State(view)) &&
         (cost == 0 || used_units(view, m) + cost > m.terms.capacity);
}

// REQUIRES: cost <= capacity.
template <class V>
Balance balance_of(const V& view, const Moment& m, std::int64_t cost) {
  const std::int64_t used = used_units(view, m);
  Balance balance;
  // Of a quota that was lowered, more than all may be in use.
  balance.remaining = std::max<std::int64_t>(0, m.terms.capacity - used);
  if (used == 0) return balance;
  const auto wait = [&](std::int64_t room) {
    return std::max(Duration::zero(), ready_at(view, m, room) - m.now);
  };
  balance.reset_after = wait(0);
  balance.more_after = wait(m.terms.capacity - (cost > 0 ? cost : balance.remaining + 1));
  if (cost > 0) balance.retry_after = balance.more_after;
  return balance;
}

}  // namespace

Step take(const std::optional<Bucket>& stored, const Limit& limit, std::int64_t cost,
          TimePoint now) {
  const Moment m{limit, limit.terms(), now};
  Step step;
  step.before = as_of(stored, m);
  step.after = step.before;
  const std::int64_t used = step.before ? used_units(step.before->state, m) : 0;
  step.fits = cost == 0 || used + cost <= m.terms.capacity;
  if (cost > 0 && step.fits) {
    const State state = step.before ? step.before->state : empty(m);
    step.after = Bucket{
        m.terms, std::visit([&](const auto& s) { return State(charged(s, m, cost)); }, state)};
    step.units = cost;
  }
  if (step.after) {
    step.keep_for = std::visit([&](const auto& s) { return keep_for(s, m); }, step.after->state);
  }
  return step;
}

Step step(const std::optional<Bucket>& stored, const Charge& charge, TimePoint now) {
  const Limit& limit = *charge.limit;
  if (charge.move == Move::kTake) return take(stored, limit, charge.cost, now);
  const Moment m{limit, limit.terms(), now};
  const auto before = as_of(stored, m);
  if (charge.move == Move::kTopUp) {
    const std::int64_t room = m.terms.capacity - (before ? used_units(before->state, m) : 0);
    return take(stored, limit, std::clamp<std::int64_t>(room, 0, charge.cost), now);
  }
  Step step{.fits = true, .before = before, .after = before};
  if (!before) return step;
  std::visit(
      [&](const auto& s) {
        step.units = std::min(charge.cost, held(s, m, charge.trace));
        const auto rest = refunded(s, m, charge.trace, step.units);
        step.after = Bucket{m.terms, rest};
        step.keep_for = std::max(kShortest, keep_for(rest, m));
      },
      before->state);
  return step;
}

Trace trace_of(const View& after, std::int64_t units, const Terms& terms) {
  if (const auto* fixed = std::get_if<FixedWindow>(&after)) return {fixed->opened_at};
  if (const auto* log = std::get_if<LogView>(&after)) return {log->newest};
  if (const auto* sliding = std::get_if<SlidingWindow>(&after)) return {sliding->opened_at};
  return {std::get<Level>(after).at, units * terms.window_ticks()};
}

View view(const std::optional<Bucket>& bucket, const Limit& limit, std::int64_t cost,
          TimePoint now) {
  const Moment m{limit, limit.terms(), now};
  const State state = bucket ? bucket->state : empty(m);
  return std::visit([&](const auto& s) -> View { return view_of(s, m, cost); }, state);
}

bool is_sound(const View& view, const Limit& limit, std::int64_t cost, TimePoint now) {
  const Moment m{limit, limit.terms(), now};
  const bool never = cost > m.terms.capacity;
  return is_time(now) &&
         std::visit([&](const auto& v) { return is_sound(v, m, never ? 0 : cost); }, view);
}

Balance balance(const View& view, const Limit& limit, std::int64_t cost, TimePoint now) {
  const Moment m{limit, limit.terms(), now};
  const bool never = cost > m.terms.capacity;
  Balance balance =
      std::visit([&](const auto& v) { return balance_of(v, m, never ? 0 : cost); }, view);
  if (never) balance.retry_after = kNever;
  return balance;
}

}  // namespace sluice::limits
