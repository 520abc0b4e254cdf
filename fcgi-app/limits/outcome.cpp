#include "limits/outcome.h"

namespace sluice::limits {

Outcome decide(std::span<const Charge> charges, std::span<const std::optional<Bucket>> stored,
               TimePoint now) {
  Outcome outcome{{.store = StoreState::kAnswered, .at = now, .limits = {}, .balances = {}}, {}};
  Decision& decision = outcome.decision;
  std::vector<Step> steps;
  for (std::size_t i = 0; i < charges.size(); ++i) {
    const Limit& limit = *charges[i].limit;
    steps.push_back(take(stored[i], limit, charges[i].cost, now));
    if (!steps.back().fits && limit.mode == Mode::kEnforce) decision.allowed = false;
  }
  for (std::size_t i = 0; i < charges.size(); ++i) {
    Step& step = steps[i];
    const Limit& limit = *charges[i].limit;
    const bool charge = decision.allowed && step.fits && charges[i].cost > 0;
    const std::int64_t waiting = step.fits ? 0 : charges[i].cost;
    const View seen = view(charge ? step.after : step.before, limit, waiting, now);
    decision.limits.push_back(&limit);
    decision.balances.push_back(balance(seen, limit, waiting, now));
    if (charge) outcome.changes.push_back({i, std::move(*step.after), step.keep_for});
  }
  return outcome;
}

}  // namespace sluice::limits
