#include "limits/outcome.h"

namespace sluice::limits {

Outcome decide(const Ask& ask, const Lookup& stored, TimePoint now) {
  Outcome outcome;
  Decision& decision = outcome.decision;
  decision.at = now;
  for (std::size_t i = 0; i < ask.bars.size(); ++i) {
    const auto until = stored.bar(ask.bars[i].key);
    if (until && *until > now) decision.bars.at(i) = *until - now;
  }
  decision.allowed = !decision.is_barred();
  std::vector<Step> steps;
  for (const Charge& charge : ask.charges) {
    const Step& step = steps.emplace_back(
        take(stored.bucket(charge.key, *charge.limit), *charge.limit, charge.cost, now));
    if (!step.fits && charge.limit->mode != Mode::kShadow) decision.allowed = false;
  }
  for (std::size_t i = 0; i < ask.charges.size(); ++i) {
    const auto& [key, limit, cost] = ask.charges[i];
    Step& step = steps[i];
    const bool charge = decision.allowed && step.fits && cost > 0;
    const std::int64_t waiting = step.fits ? 0 : cost;
    const View seen = view(charge ? step.after : step.before, *limit, waiting, now);
    decision.limits.push_back(limit);
    decision.balances.push_back(balance(seen, *limit, waiting, now));
    if (charge) outcome.changes.push_back({key, std::move(*step.after), step.keep_for});
  }
  for (const Bar& bar : ask.bars) {
    if (decision.allowed && bar.set_for > Duration::zero()) {
      outcome.bars.push_back({bar.key, now + bar.set_for});
    }
  }
  return outcome;
}

}  // namespace sluice::limits
