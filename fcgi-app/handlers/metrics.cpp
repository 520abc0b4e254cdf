#include "handlers/metrics.h"

#include "telemetry/exposition.h"
#include "telemetry/metrics_page.h"
#include "version.h"

namespace sluice::handlers {

Task<http::Response> metrics(const Call& call) {
  const telemetry::PageOptions options{.version = kVersion,
                                       .generation = call.policy->generation(),
                                       .tenants = call.policy->metrics().tenants};
  co_return http::Response(200, telemetry::metrics_page(call.services.observer.counters(), options),
                           telemetry::kExpositionType);
}

}  // namespace sluice::handlers
