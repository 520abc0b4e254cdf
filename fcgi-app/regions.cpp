#include "regions.h"

#include <array>
#include <span>

namespace sluice {
namespace {

constexpr std::array kRegions{kNewcomersRegion};

}  // namespace

// Without the host's memory a worker counts by itself: no reason not to serve.
Result<shm::Segment> open_regions(const std::string& file, bool create, telemetry::Log& log) {
  if (!file.empty()) {
    auto shared = shm::Segment::open(file, kRegions, create);
    if (shared) return shared;
    if (shared.error().code != ErrorCode::kNotFound) {
      log.warning("new buckets are bounded by each worker alone",
                  {{"setting", "storage.shared_file"}, {"reason", shared.error().detail}});
    }
  }
  auto own = shm::Segment::anonymous(kRegions);
  if (own) return own;
  return fail(ErrorCode::kSystem, "no memory to count in: " + own.error().detail);
}

}  // namespace sluice
