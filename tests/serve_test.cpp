// The straight line, with a store in memory and time in the test's hands.
#include "serve.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "manual_clock.h"
#include "run_task.h"
#include "store/memory_store.h"

namespace sluice {
namespace {

using limits::Fact;
using limits::PlanLimit;
using limits::Scope;
using limits::Unit;
using testing::HasSubstr;
using testing::Not;

PlanLimit plan_limit(std::string name, std::string tenant, Scope scope, std::int64_t quota,
                     std::string route) {
  return {.limit = {.name = std::move(name),
                    .tenant = std::move(tenant),
                    .scope = scope,
                    .rate = {quota, {10, Unit::kSecond}}},
          .routes = {std::move(route)}};
}

const limits::Limit kHealth{.name = "@health", .tenant = "", .rate = {1000, {1, Unit::kSecond}}};

class ServeTest : public testing::Test {
 protected:
  http::Response send(std::string_view method, std::string_view path, std::string_view body = "",
                      std::vector<http::Param> headers = {}) {
    http::Request request;
    request.method = method;
    request.path = path;
    request.remote_address = "203.0.113.7";
    request.params = headers;
    request.body = body;
    return run_now(serve(request, services_));
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

  ManualClock clock_;
  std::shared_ptr<const limits::Plans> plans_ = std::make_shared<limits::Plans>(
      std::vector<PlanLimit>{
          plan_limit("chat", "", Fact::kIp, 2, "chat"),
          plan_limit("session", "", Fact::kIp, 3, "session"),
          plan_limit("probing", "", Fact::kIp, 2, std::string(limits::kIdentityFailure))},
      limits::Plans::TenantLimits{
          {"acme", {plan_limit("chat", "acme", Fact::kSession, 4, "chat")}},
          {"globex", {plan_limit("chat", "globex", Fact::kSession, 4, "chat")}}});
  store::MemoryStore store_{clock_, {}};
  limiter::Limiter limiter_{store_, {}};
  identity::SessionTokens tokens_{{identity::Secret{}}};
  identity::Resolver identities_{tokens_, clock_, {"acme", "globex"}, {}};
  handlers::Resources resources_{clock_,
                                 tokens_,
                                 store_,
                                 plans_,
                                 {"health", &kHealth, 1},
                                 {"1.2.3", "api1", "memory://", 7},
                                 std::chrono::hours(24)};
  Services services_{identities_, plans_, limiter_, resources_};
};

TEST_F(ServeTest, StatusTellsEverythingAndIsNeverLimited) {
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(send("GET", "/").body(),
              R"({"service":"sluice","version":"1.2.3","pool":"api1","config_generation":7,)"
              R"("tenants":{"acme":{"chat_per_10s":4},"globex":{"chat_per_10s":4}},)"
              R"("defaults":{"chat_per_10s":2,"session_per_10s":3,"probing_per_10s":2},)"
              R"("storage":"memory://","store":{"status":"up"}})");
  }
}

TEST_F(ServeTest, ASessionIsOpenedForAKnownTenantAndCountedPerAddress) {
  const http::Response opened = send("POST", "/session", R"({"tenant_id":"acme"})");
  EXPECT_EQ(opened.status(), 201);
  const auto body = http::JsonObject::parse(opened.body());
  ASSERT_TRUE(body);
  EXPECT_TRUE(tokens_.verify(body->string("session_id")->value_or(""), clock_.now()));
  EXPECT_EQ(*body->string("expires_at"), "2027-01-16T08:00:00Z");
  EXPECT_EQ(send("POST", "/session", R"({"tenant_id":"nobody"})").status(), 404);
  EXPECT_EQ(send("POST", "/session", "{}").status(), 400);
  EXPECT_EQ(send("POST", "/session", R"({"tenant_id":"acme"})").status(), 429);
}

TEST_F(ServeTest, AMessageIsEchoedAndNumberedUntilTheQuotaIsUsed) {
  const std::string session = open_session("acme");
  for (int i = 1; i <= 4; ++i) {
    const http::Response response = chat("acme", session);
    EXPECT_EQ(response.status(), 200);
    EXPECT_EQ(response.body(), R"({"tenant_id":"acme","session_id":")" + session +
                                   R"(","reply":"hi","message_number":)" + std::to_string(i) + "}");
  }
  const http::Response denied = chat("acme", session);
  EXPECT_EQ(denied.status(), 429);
  EXPECT_EQ(denied.body(), R"({"detail":"Rate limit exceeded: 4 per 10 seconds"})");
  EXPECT_THAT(denied.fields(), HasSubstr("Retry-After: 10\r\n"));
  clock_.advance(std::chrono::seconds(10));
  EXPECT_EQ(chat("acme", session).status(), 200);
}

TEST_F(ServeTest, WithoutHeadersTheAddressIsChargedAndTheSessionToo) {
  const std::string session = open_session("acme");
  EXPECT_EQ(chat("acme", session, false).status(), 200);
  EXPECT_EQ(chat("acme", session, false).status(), 200);
  const http::Response denied = chat("acme", session, false);
  EXPECT_EQ(denied.body(), R"({"detail":"Rate limit exceeded: 2 per 10 seconds"})");
  EXPECT_THAT(chat("acme", session).fields(), HasSubstr("X-RateLimit-Remaining: 1\r\n"));
}

TEST_F(ServeTest, AClaimMadeOnlyInHeadersIsEchoedToo) {
  const std::string session = open_session("acme");
  const http::Response response =
      send("POST", "/chat", R"({"message":"hi"})",
           {{"HTTP_X_TENANT_ID", "acme"}, {"HTTP_X_SESSION_ID", session}});
  EXPECT_THAT(response.body(), HasSubstr(R"("tenant_id":"acme","session_id":")" + session));
}

TEST_F(ServeTest, WithoutAnySessionTheAddressIsChargedAlone) {
  const http::Response response = send("POST", "/chat", R"({"message":"hi"})");
  EXPECT_EQ(response.body(),
            R"({"tenant_id":null,"session_id":null,"reply":"hi","message_number":1})");
}

TEST_F(ServeTest, AFalseClaimCostsTheAddressAndNeverTheVictim) {
  const std::string session = open_session("acme");
  const http::Response foreign = chat("globex", session);
  EXPECT_EQ(foreign.status(), 403);
  EXPECT_EQ(foreign.body(), R"({"detail":"Session does not belong to tenant"})");
  EXPECT_EQ(chat("acme", "forged").status(), 401);
  EXPECT_EQ(chat("acme", "forged").status(), 429);
  EXPECT_THAT(chat("acme", session).fields(), HasSubstr("X-RateLimit-Remaining: 3\r\n"));
}

TEST_F(ServeTest, WhatCannotBeUnderstoodIsA400AndCostsNothing) {
  for (int i = 0; i < 5; ++i) {
    const http::Response response = send("POST", "/chat", "{");
    EXPECT_EQ(response.status(), 400);
    EXPECT_THAT(response.fields(), Not(HasSubstr("RateLimit")));
  }
  EXPECT_EQ(send("POST", "/chat", "{}").body(), R"({"detail":"\"message\" is missing"})");
}

}  // namespace
}  // namespace sluice
