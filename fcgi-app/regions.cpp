#include "regions.h"

#include <array>
#include <span>

namespace sluice {
namespace {

constexpr std::array kOfWorkers{kNewcomersRegion, kCountersRegion};
constexpr std::array kOfOperators{kNewcomersRegion};

}  // namespace

// Without the host's memory a worker counts by itself: no reason not to serve.
Result<shm::Segment> open_regions(const std::string& file, bool create, telemetry::Log& log) {
  const std::span<const shm::Region> wanted =
      create ? std::span<const shm::Region>(kOfWorkers) : kOfOperators;
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

}  // namespace sluice
