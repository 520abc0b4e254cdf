#include "limits/algorithm.h"

#include <algorithm>

namespace sluice::limits {

Step fixed_window(std::optional<FixedWindow> state, const Limit& limit, std::int64_t cost,
                  TimePoint now) {
  const std::int64_t quota = limit.quota();
  const Duration window = limit.window();
  const bool open = state && state->opened_at <= now && now < state->opened_at + window;
  if (!open) state.reset();

  const std::int64_t used = open ? state->used : 0;
  Step step{.fits = cost == 0 || used + cost <= quota, .state = state, .balance = {}};
  if (step.fits && cost > 0) {
    step.state = FixedWindow{used + cost, open ? state->opened_at : now, window};
  }
  step.balance.remaining = std::max<std::int64_t>(0, quota - (step.state ? step.state->used : 0));
  step.balance.reset_after = step.state ? step.state->opened_at + window - now : Duration::zero();
  if (!step.fits) step.balance.retry_after = cost > quota ? kNever : step.balance.reset_after;
  return step;
}

}  // namespace sluice::limits
