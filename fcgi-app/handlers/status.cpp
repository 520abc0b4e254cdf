#include "handlers/status.h"

namespace sluice::handlers {
namespace {

// Of the limits that can deny.
http::JsonWriter quotas(std::span<const limits::PlanLimit> plan_limits) {
  http::JsonWriter object;
  for (const auto& [limit, routes] : plan_limits) {
    if (limit.mode == limits::Mode::kEnforce) object.set(limit.label(), limit.quota());
  }
  return object;
}

http::JsonWriter algorithms(std::span<const limits::PlanLimit> plan_limits) {
  http::JsonWriter object;
  for (const auto& [limit, routes] : plan_limits) {
    if (limit.mode != limits::Mode::kEnforce) continue;
    object.set(limit.name,
               limits::to_name<limits::Algorithm>(limits::kAlgorithmNames, limit.algorithm));
  }
  return object;
}

}  // namespace

Task<http::Response> status(const Call& call) {
  const Resources& resources = call.resources;
  const auto answer = co_await resources.buckets.take({&resources.health, 1}, std::nullopt);

  http::JsonWriter tenants;
  http::JsonWriter tenant_algorithms;
  for (const auto& [tenant, limits] : resources.plans->tenants()) {
    tenants.set(tenant, quotas(limits));
    tenant_algorithms.set(tenant, algorithms(limits));
  }
  http::JsonWriter store;
  store.set("status", answer ? "up" : "down");

  http::JsonWriter body;
  body.set("service", "sluice");
  body.set("version", resources.about.version);
  body.set("pool", resources.about.pool);
  body.set("config_generation", resources.about.config_generation);
  body.set("tenants", tenants);
  body.set("algorithms", tenant_algorithms);
  body.set("defaults", quotas(resources.plans->defaults()));
  body.set("storage", resources.about.storage);
  body.set("store", store);
  co_return http::Response(200, body.text());
}

}  // namespace sluice::handlers
