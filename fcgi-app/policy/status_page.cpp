#include "policy/status_page.h"

#include <span>
#include <string_view>

#include "http/json.h"

namespace sluice::policy {
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

std::string status_page(const About& about, std::int64_t generation, const limits::Plans& plans,
                        std::size_t most_tenants, std::string_view store_status) {
  http::JsonWriter tenants;
  http::JsonWriter tenant_algorithms;
  std::size_t shown = 0;
  for (const auto& [tenant, limits] : plans.tenants()) {
    if (shown++ == most_tenants) break;
    tenants.set(tenant, quotas(limits));
    tenant_algorithms.set(tenant, algorithms(limits));
  }
  http::JsonWriter store;
  store.set("status", store_status);

  http::JsonWriter body;
  body.set("service", "sluice");
  body.set("version", about.version);
  body.set("pool", about.pool);
  body.set("config_generation", generation);
  body.set("tenant_count", static_cast<std::int64_t>(plans.tenants().size()));
  body.set("tenants", tenants);
  body.set("algorithms", tenant_algorithms);
  body.set("defaults", quotas(plans.defaults()));
  body.set("storage", about.storage);
  body.set("store", store);
  return body.text();
}

}  // namespace sluice::policy
