#include "limits/algorithm.h"

#include <algorithm>

namespace sluice::limits {

Step fixed_window(std::optional<FixedWindow> state, const Limit& limit, std::int64_t cost,
                  TimePoint now) {
  const std::int64_t quota = limit.quota();
  const TimePoint latest_reset = now + limit.window();
  if (state && state->reset_at <= now) state.reset();
  if (state) state->reset_at = std::min(state->reset_at, latest_reset);

  const std::int64_t used = state ? state->used : 0;
  Step step{.fits = cost == 0 || used + cost <= quota, .state = state, .balance = {}};
  if (step.fits && cost > 0) {
    step.state = FixedWindow{used + cost, state ? state->reset_at : latest_reset};
  }
  step.balance.remaining = std::max<std::int64_t>(0, quota - (step.state ? step.state->used : 0));
  step.balance.reset_after = step.state ? step.state->reset_at - now : Duration::zero();
  if (!step.fits) step.balance.retry_after = cost > quota ? kNever : step.balance.reset_after;
  return step;
}

}  // namespace sluice::limits
