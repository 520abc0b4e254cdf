#include "newcomer_region.h"

#include "limiter/newcomers.h"

namespace sluice {

// Without the host's memory the bounds hold for each worker by itself: no reason not to serve.
Result<shm::Region> open_newcomers(const std::string& file, bool create, telemetry::Log& log) {
  constexpr std::size_t kBytes = limiter::Newcomers::kBytes;
  if (!file.empty()) {
    auto shared = shm::Region::open(file, kBytes, create);
    if (shared) return shared;
    if (shared.error().code != ErrorCode::kNotFound) {
      log.warning("new buckets are bounded by each worker alone",
                  {{"reason", shared.error().detail}});
    }
  }
  auto own = shm::Region::anonymous(kBytes);
  if (own) return own;
  return fail(ErrorCode::kSystem, "no memory to count new buckets in: " + own.error().detail);
}

}  // namespace sluice
