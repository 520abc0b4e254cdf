#include "limits/charge.h"

namespace sluice::limits {

std::optional<std::size_t> Decision::tightest() const {
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < balances.size(); ++i) {
    if (limits[i]->mode == Mode::kShadow) continue;
    if (allowed && !limits[i]->unit.empty()) continue;  // units of others cannot be compared
    if (!best) best = i;
    const Balance& a = balances[i];
    const Balance& b = balances[*best];
    if (a.retry_after != b.retry_after ? a.retry_after > b.retry_after
                                       : a.remaining < b.remaining) {
      best = i;
    }
  }
  return best;
}

std::optional<Duration> Decision::denied_for() const {
  const auto limit = tightest();
  const bool locked_out = barred_by == BarredBy::kLockOut;
  if (!limit && !locked_out) return std::nullopt;
  const Duration wait = limit ? balances[*limit].retry_after : Duration::zero();
  return locked_out ? std::max(wait, barred_for) : wait;
}

}  // namespace sluice::limits
