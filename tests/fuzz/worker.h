// A worker without sockets: serve(), with a store in memory, at a moment that stands still.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "manual_clock.h"
#include "region_memory.h"
#include "serve.h"
#include "store/memory/memory_store.h"
#include "test_services.h"

namespace sluice::fuzz {

inline limits::PlanLimit plan_limit(std::string name, std::string tenant, limits::Scope scope,
                                    std::string route) {
  return {.limit = {.name = std::move(name),
                    .tenant = std::move(tenant),
                    .scope = std::move(scope),
                    .rate = {2, {10, limits::Unit::kSecond}}},
          .routes = {std::move(route)}};
}

// Tenants "acme" (counted per session, API key and a header) and "globex" (on the deny list); the
// seeds have sessions that the secret of zeros has signed.
class Worker {
 public:
  Task<http::Response> serve(const http::Request& request) {
    return sluice::serve(request, policy_, services_);
  }
  ManualClock& clock() { return clock_; }

 private:
  static std::shared_ptr<const limits::Plans> make_plans() {
    using limits::Fact;
    limits::Scope scope(Fact::kApiKey);
    scope.parts.push_back({Fact::kHeader, "x-device"});
    const std::string failure(limits::kIdentityFailure);
    return std::make_shared<limits::Plans>(
        std::vector<limits::PlanLimit>{plan_limit("chat", "", Fact::kIp, "chat"),
                                       plan_limit("session", "", Fact::kIp, "session"),
                                       plan_limit("probing", "", Fact::kIp, failure)},
        limits::Plans::TenantLimits{{"acme",
                                     {plan_limit("chat", "acme", Fact::kSession, "chat"),
                                      plan_limit("device", "acme", scope, "*")}},
                                    {"globex", {}}});
  }
  static identity::Resolver::Options make_options() {
    identity::Resolver::Options options;
    options.trusted_proxies.push_back(*identity::parse_network("10.0.0.0/8"));
    options.access.exempt.networks.push_back(*identity::parse_network("198.51.100.0/24"));
    options.access.deny.networks.push_back(*identity::parse_network("192.0.2.0/24"));
    options.access.deny.tenants = {"globex"};
    options.api_keys = std::make_shared<identity::ApiKeys>(std::vector<identity::ApiKey>{
        {"ci", "acme", "ci", identity::hash_of_api_key("slk_" + std::string(43, 'A')), "", 0}});
    options.headers = {"x-device"};
    return options;
  }
  static http::CostRules make_costs() {
    using Source = http::CostRule::Source;
    return {{"chat", {{Source::kBody, "cost", 1, 1, 5}}},
            {"session", {{Source::kHeader, "HTTP_X_COST", 1, 1, 5}}}};
  }

  ManualClock clock_;
  store::MemoryStore store_{clock_, {}};
  NewcomerMemory newcomers_;
  identity::SessionTokens tokens_{{identity::Secret{}}};
  CounterMemory counters_;
  telemetry::Observer observer_{counters_, nullptr};
  handlers::Services services_ = test_services(clock_, tokens_, observer_, store_);
  std::shared_ptr<const policy::Policy> policy_ = test_policy({.penalty = {.after = 3},
                                                               .identity = make_options(),
                                                               .plans = make_plans(),
                                                               .costs = make_costs()},
                                                              services_, store_, newcomers_);
};

}  // namespace sluice::fuzz
