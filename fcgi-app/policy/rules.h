// How requests are decided, as the config says it. A Policy is made of it.
#pragma once

#include <cstddef>
#include <memory>

#include "base/clock.h"
#include "http/cost.h"
#include "identity/resolver.h"
#include "limiter/newcomers.h"
#include "limiter/penalty.h"
#include "limits/plan.h"

namespace sluice::policy {

struct Rules {
  limiter::Newcomers::Options newcomers = {};
  limiter::Penalty::Options penalty = {};
  identity::Resolver::Options identity = {};
  std::shared_ptr<const limits::Plans> plans = nullptr;  // set it
  http::CostRules costs = {};
  Duration session_lifetime = std::chrono::hours(24);  // a minute to 366 days
  std::size_t most_tenants = 100;                      // that GET / names; 0 to 10,000
};

}  // namespace sluice::policy
