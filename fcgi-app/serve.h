// The life of a request, from the gateway's parameters to the answer.
#pragma once

#include "base/task.h"
#include "handlers/handler.h"
#include "http/cost.h"
#include "http/request.h"
#include "http/response.h"
#include "identity/resolver.h"
#include "limiter/limiter.h"
#include "limits/plan.h"

namespace sluice {

// What serving takes. Owned by App; outlives every request.
struct Services {
  const identity::Resolver& identities;
  std::shared_ptr<const limits::Plans> plans;
  const http::CostRules& costs;
  limiter::Limiter& limiter;
  handlers::Resources& resources;
};

// Answers one request. REQUIRES: request and services outlive the task.
[[nodiscard]] Task<http::Response> serve(const http::Request& request, Services& services);

}  // namespace sluice
