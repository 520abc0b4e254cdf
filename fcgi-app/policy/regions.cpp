#include "policy/regions.h"

#include <array>
#include <span>

namespace sluice::policy {

// Without the host's memory a worker counts by itself: no reason not to serve.
Result<shm::Segment> open_regions(const std::string& file, bool create, telemetry::Log& log) {
  // An operator has the first alone.
  const std::array all{kNewcomersRegion, kCountersRegion};
  const auto wanted = std::span<const shm::Region>(all).first(create ? all.size() : 1);
  if (!file.empty()) {
    auto shared = shm::Segment::open(file, wanted, create);
    if (shared) return shared;
    if (shared.error().code != ErrorCode::kNotFound) {
      log.warning("nothing is shared with other workers",
                  {{"setting", "storage.shared_file"}, {"reason", shared.error().detail}});
    }
  }
  auto own = shm::Segment::anonymous(wanted);
  if (own) return own;
  return fail(ErrorCode::kSystem, "no memory to count in: " + own.error().detail);
}

}  // namespace sluice::policy
