#include "limits/algorithm.h"

#include "limits/arithmetic.h"
#include "limits/change.h"

namespace sluice::limits {
namespace {

std::optional<Bucket> as_of(const std::optional<Bucket>& stored, const Moment& m) {
  if (!stored) return std::nullopt;
  std::optional<State> state = stored->state;
  if (stored->terms != m.terms) state = changed(*stored, m);
  if (state) state = rolled(*state, m);
  if (!state) return std::nullopt;
  return Bucket{m.terms, std::move(*state)};
}

}  // namespace

Step take(const std::optional<Bucket>& stored, const Limit& limit, std::int64_t cost,
          TimePoint now) {
  const Moment m{limit, limit.terms(), now};
  Step step;
  step.before = as_of(stored, m);
  step.after = step.before;
  const std::int64_t used = step.before ? used_units(step.before->state, m) : 0;
  step.in_use = used > 0;
  const bool holds = limit.mode == Mode::kHold && step.in_use;
  step.fits = !holds && (cost == 0 || used + cost <= m.terms.capacity);
  if (cost > 0 && step.fits) {
    const State state = step.before ? step.before->state : empty(m);
    step.after = Bucket{
        m.terms, std::visit([&](const auto& s) { return State(charged(s, m, cost)); }, state)};
  }
  if (step.after) {
    step.keep_for = std::visit([&](const auto& s) { return keep_for(s, m); }, step.after->state);
  }
  return step;
}

View view(const std::optional<Bucket>& bucket, const Limit& limit, std::int64_t cost,
          TimePoint now) {
  const Moment m{limit, limit.terms(), now};
  const State state = bucket ? bucket->state : empty(m);
  return std::visit([&](const auto& s) -> View { return view_of(s, m, cost); }, state);
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
