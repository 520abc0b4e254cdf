// All that serve() takes, with a store in memory and time in the test's hands.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "manual_clock.h"
#include "region_memory.h"
#include "run_task.h"
#include "serve.h"
#include "store/memory/memory_store.h"
#include "test_services.h"

namespace sluice {

inline limits::PlanLimit plan_limit(std::string name, std::string tenant, limits::Scope scope,
                                    std::int64_t quota, std::string route) {
  return {.limit = {.name = std::move(name),
                    .tenant = std::move(tenant),
                    .scope = std::move(scope),
                    .rate = {quota, {10, limits::Unit::kSecond}}},
          .routes = {std::move(route)}};
}

// A store that is down.
class AbsentStore final : public store::BucketStore {
 public:
  [[nodiscard]] Task<Result<limits::Decision>> take(limits::Ask /*ask*/,
                                                    std::optional<TimePoint> /*now*/) override {
    co_return fail(ErrorCode::kStoreUnavailable);
  }
  [[nodiscard]] Task<Result<std::optional<std::string>>> read(std::string_view /*key*/) override {
    co_return fail(ErrorCode::kStoreUnavailable);
  }
  [[nodiscard]] Task<Result<std::int64_t>> reset(std::span<const std::string> /*keys*/) override {
    co_return fail(ErrorCode::kStoreUnavailable);
  }
};

// Callers with an API key are users of "acme". Callers at 198.51.100.0/24 and of tenant "vip" are
// exempt, those at 192.0.2.0/24 and of "banned" are denied.
class ServeFixture : public testing::Test {
 protected:
  http::Response send(std::string_view method, std::string_view path, std::string_view body = "",
                      std::vector<http::Param> headers = {}) {
    http::Request asked = request(method, path, headers);
    asked.body = body;
    return answered(asked);
  }

  // A question of nginx's about a request to another application.
  http::Response gate(std::string_view method, std::string_view path,
                      std::vector<http::Param> params = {}, std::string_view route = "") {
    http::Request asked = request(method, path, params);
    asked.is_gated = true;
    asked.gated_route = route;
    return answered(asked);
  }

  // Of the caller at address_. REQUIRES: the arguments outlive it.
  [[nodiscard]] http::Request request(std::string_view method, std::string_view path,
                                      std::span<const http::Param> params) const {
    http::Request asked;
    asked.method = method;
    asked.path = path;
    asked.remote_address = address_;
    asked.params = params;
    asked.handed_over = handed_over_;
    return asked;
  }

  virtual http::Response answered(const http::Request& asked) {
    return run_now(serve(asked, policy_, services_));
  }

  std::string open_session(std::string_view tenant) {
    return tokens_.sign(
        identity::SessionTokens::create(tenant, clock_.now() + std::chrono::hours(1)));
  }

  http::Response chat(std::string_view tenant, std::string_view session, bool headers = true) {
    http::JsonWriter body;
    body.set("tenant_id", tenant);
    body.set("session_id", session);
    body.set("message", "hi");
    std::vector<http::Param> params;
    if (headers) params = {{"HTTP_X_TENANT_ID", tenant}, {"HTTP_X_SESSION_ID", session}};
    return send("POST", "/chat", body.text(), params);
  }

  http::Response own_limits(std::string_view tenant = "", std::string_view session = "") {
    return send("GET", "/limits", "",
                {{"HTTP_X_TENANT_ID", tenant}, {"HTTP_X_SESSION_ID", session}});
  }

  // Tenants that these do not name have no limits.
  void use_plans(std::vector<limits::PlanLimit> defaults, limits::Plans::TenantLimits tenants) {
    for (const char* tenant : {"acme", "globex", "vip", "banned"}) tenants.try_emplace(tenant);
    options_.plans = std::make_shared<limits::Plans>(std::move(defaults), std::move(tenants));
    renew();
  }
  // Makes the policy of the options as they are now.
  void renew() {
    policy_ = test_policy(options_, services_, store_, newcomers_);
    limiter_ = &policy_->limiter();
  }

  [[nodiscard]] identity::Resolver::Options access() const {
    identity::Resolver::Options options;
    options.api_keys = std::make_shared<const identity::ApiKeys>(std::vector<identity::ApiKey>{
        {"k1", "acme", "alice", identity::hash_of_api_key(api_key_), "", 0},
        {"k2", "acme", "alice", identity::hash_of_api_key(other_key_), "", 0}});
    options.access.exempt.networks.push_back(*identity::parse_network("198.51.100.0/24"));
    options.access.exempt.tenants = {"vip"};
    options.access.deny.networks.push_back(*identity::parse_network("192.0.2.0/24"));
    options.access.deny.tenants = {"banned"};
    return options;
  }

  ManualClock clock_;
  std::string address_ = "203.0.113.7";
  std::string handed_over_ = {};                              // by nginx, with each request
  const std::string api_key_ = identity::generate_api_key();  // k1 and k2, of alice of acme
  const std::string other_key_ = identity::generate_api_key();
  store::MemoryStore store_{clock_, {}};
  NewcomerMemory newcomers_;
  identity::SessionTokens tokens_{{identity::Secret{}}};
  CounterMemory counters_memory_;
  telemetry::Observer observer_{counters_memory_, nullptr};
  handlers::Services services_ = test_services(clock_, tokens_, observer_, store_);
  policy::Options options_{.identity = access()};
  std::shared_ptr<const policy::Policy> policy_;
  limiter::Limiter* limiter_ = nullptr;  // the policy's

  ServeFixture() {
    use_plans(
        {plan_limit("chat", "", limits::Fact::kIp, 2, "chat"),
         plan_limit("session", "", limits::Fact::kIp, 3, "session"),
         plan_limit("probing", "", limits::Fact::kIp, 2, std::string(limits::kIdentityFailure))},
        {{"acme", {plan_limit("chat", "acme", limits::Fact::kSession, 4, "chat")}},
         {"globex", {plan_limit("chat", "globex", limits::Fact::kSession, 4, "chat")}}});
  }
};

}  // namespace sluice
