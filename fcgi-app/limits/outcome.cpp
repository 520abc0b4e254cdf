#include "limits/outcome.h"

#include "limits/receipts.h"

namespace sluice::limits {
namespace {

bool is_expected(const Mark& mark, const Lookup& stored) {
  const auto bytes = stored.mark(mark.key);
  return mark.expected.empty() ? !bytes : bytes == mark.expected;
}

}  // namespace

Outcome decide(const Ask& ask, const Lookup& stored, TimePoint now) {
  Outcome outcome;
  Decision& decision = outcome.decision;
  decision.at = now;
  for (std::size_t i = 0; i < ask.bars.size(); ++i) {
    const auto until = stored.bar(ask.bars[i].key);
    if (until && *until > now) decision.bars.at(i) = *until - now;
  }
  decision.is_stale = ask.mark && !is_expected(*ask.mark, stored);
  decision.allowed = !decision.is_barred() && !decision.is_stale;
  std::vector<Step> steps;
  for (const Charge& charge : ask.charges) {
    const Step& step =
        steps.emplace_back(limits::step(stored.bucket(charge.key, *charge.limit), charge, now));
    if (!step.fits && charge.limit->mode != Mode::kShadow) decision.allowed = false;
  }
  Receipts receipts{now, {}};
  for (std::size_t i = 0; i < ask.charges.size(); ++i) {
    const Charge& charge = ask.charges[i];
    Step& step = steps[i];
    const bool moves = decision.allowed && step.units > 0;
    const std::int64_t waiting = step.fits ? 0 : charge.cost;
    const View seen = view(moves ? step.after : step.before, *charge.limit, waiting, now);
    decision.limits.push_back(charge.limit);
    decision.balances.push_back(balance(seen, *charge.limit, waiting, now));
    receipts.charges.push_back({step.units, seen});
    if (moves) outcome.changes.push_back({charge.key, std::move(*step.after), step.keep_for});
  }
  if (ask.mark && decision.allowed) {
    outcome.mark.emplace(Marked{ask.mark->key, ask.mark->value, ask.mark->keep_for});
    append(outcome.mark->bytes, receipts);
  }
  for (const Bar& bar : ask.bars) {
    if (decision.allowed && bar.set_for > Duration::zero()) {
      outcome.bars.push_back({bar.key, now + bar.set_for});
    }
  }
  return outcome;
}

}  // namespace sluice::limits
