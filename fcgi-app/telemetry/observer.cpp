#include "telemetry/observer.h"

namespace sluice::telemetry {

using limits::Decision;
using limits::Source;

Observer::Observer(std::span<std::byte> memory, Log* log) : counters_(memory) {
  if (counters_.has_slot() || !log) return;
  log->warning("requests are counted by this worker alone",
               {{"reason", "every slot for a worker's counts is taken"}});
}

void Observation::decided(const Decision& decision, std::int64_t cost) {
  Counters& counters = observer_.counters_;
  outcome_ = decision.allowed ? Outcome::kAllowed : Outcome::kDenied;
  if (decision.source == Source::kOnStoreError) {
    counters.add(Total::kOnStoreError);
    if (!decision.allowed) outcome_ = Outcome::kFailed;
    return;
  }
  if (decision.crowded) counters.add(Total::kCrowded);
  if (!decision.allowed) {
    if (decision.barred_by != limits::BarredBy::kNone) counters.add(Total::kBarred);
  } else if (cost > 0 && !decision.balances.empty()) {
    counters.add(Total::kUnits, static_cast<std::uint64_t>(cost));
  }
}

}  // namespace sluice::telemetry
