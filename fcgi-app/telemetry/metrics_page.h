// What GET /metrics says: what all workers of the host have counted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "telemetry/counters.h"

namespace sluice::telemetry {

// What is the answering worker's own.
struct PageOptions {
  std::string_view version;
  std::int64_t generation = 0;  // of its config
  std::size_t tenants = 20;     // the most that are named
};

[[nodiscard]] std::string metrics_page(Counters& counters, const PageOptions& options);

}  // namespace sluice::telemetry
