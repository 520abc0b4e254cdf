// How requests are decided, as the config says it. A Policy is made of it.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "http/cors.h"
#include "http/cost.h"
#include "identity/address/access.h"
#include "identity/resolver.h"
#include "limiter/newcomers.h"
#include "limiter/penalty.h"
#include "limits/plan.h"
#include "policy/route_table.h"
#include "telemetry/denial_log.h"

namespace sluice::policy {

// What becomes of a gated request that is on no route.
enum class Unmatched { kAllow, kDeny };

// What becomes of a decision that nginx's module has made of a request to our own API.
enum class HandedOver {
  kIgnore,  // a worker decides again, and charges again
  kTrust,   // it stands
};

// Who is told what the workers of the host have counted (GET /metrics), and of how many tenants.
struct Metrics {
  Metrics();

  std::vector<identity::Network> allow;  // by default this host
  std::size_t tenants = 20;              // 0 to telemetry::Names::kMost
};

// Who may say what a reserved request has cost (POST /settle).
struct Settle {
  Settle();

  std::vector<identity::Network> allow;  // by default this host
};

struct Options {
  limiter::Newcomers::Options newcomers = {};
  limiter::Penalty::Options penalty = {};
  identity::Resolver::Options identity = {};
  std::shared_ptr<const limits::Plans> plans = nullptr;  // set it
  http::CostRules costs = {};
  std::vector<GatedRoute> routes = {};  // at most kMaxGatedRoutes
  Unmatched unmatched = Unmatched::kAllow;
  HandedOver handed_over = HandedOver::kIgnore;
  Duration session_lifetime = std::chrono::hours(24);  // a minute to 366 days
  std::size_t most_tenants = 100;                      // that GET / names; 0 to 10,000
  Metrics metrics = {};
  Settle settle = {};
  http::Cors cors = {};
  telemetry::DenialLog::Options denial_log = {};
};

}  // namespace sluice::policy
