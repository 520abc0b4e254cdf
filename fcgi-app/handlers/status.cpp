#include "handlers/status.h"

namespace sluice::handlers {
namespace {

http::JsonObject quotas(std::span<const limits::PlanLimit> plan_limits) {
  http::JsonObject object;
  for (const auto& [limit, routes] : plan_limits) {
    object.set(limit.label().c_str(), limit.quota());
  }
  return object;
}

}  // namespace

Task<http::Response> status(const Call& call) {
  const Resources& resources = call.resources;
  const auto answer = co_await resources.buckets.take({}, std::nullopt);

  http::JsonObject tenants;
  for (const auto& [tenant, limits] : resources.plans->tenants()) {
    tenants.set(tenant.c_str(), quotas(limits));
  }
  http::JsonObject store;
  store.set("status", answer ? "up" : "down");

  http::JsonObject body;
  body.set("service", "sluice");
  body.set("version", resources.about.version);
  body.set("pool", resources.about.pool);
  body.set("config_generation", resources.about.config_generation);
  body.set("tenants", std::move(tenants));
  body.set("defaults", quotas(resources.plans->defaults()));
  body.set("storage", resources.about.storage);
  body.set("store", std::move(store));
  http::Response response(200, body.dump());
  response.add("Cache-Control", "no-store");
  co_return response;
}

}  // namespace sluice::handlers
