#include "policy/regions.h"

#include <vector>

namespace sluice::policy {

namespace {

// An operator has the first alone.
std::vector<shm::Region> wanted(bool create) {
  if (!create) return {kNewcomersRegion};
  return {kNewcomersRegion, kCountersRegion};
}

}  // namespace

Result<shm::Segment> open_shared(const std::string& file, bool create) {
  return shm::Segment::open(file, wanted(create), create);
}

// Without the host's memory a worker counts by itself: no reason not to serve.
Result<shm::Segment> open_regions(const std::string& file, bool create, telemetry::Log& log) {
  if (!file.empty()) {
    auto shared = open_shared(file, create);
    if (shared) return shared;
    if (shared.error().code != ErrorCode::kNotFound) {
      log.warning("nothing is shared with other workers",
                  {{"setting", "storage.shared_file"}, {"reason", shared.error().detail}});
    }
  }
  auto own = shm::Segment::anonymous(wanted(create));
  if (own) return own;
  return fail(ErrorCode::kSystem, "no memory to count in: " + own.error().detail);
}

}  // namespace sluice::policy
