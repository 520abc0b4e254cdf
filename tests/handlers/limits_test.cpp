#include "handlers/limits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "limiter/caller_limits.h"
#include "serve_fixture.h"

namespace sluice {
namespace {

using limits::Algorithm;
using limits::Fact;
using limits::PlanLimit;
using limits::Scope;
using testing::HasSubstr;
using testing::Not;

class LimitsRouteTest : public ServeFixture {};

TEST_F(LimitsRouteTest, ASessionSeesItsOwnLimitsToTheByte) {
  const std::string session = open_session("acme");
  for (int i = 0; i < 3; ++i) chat("acme", session);
  clock_.advance(std::chrono::milliseconds(3'500));
  const http::Response response = own_limits("acme", session);
  EXPECT_EQ(response.status(), 200);
  EXPECT_EQ(
      response.body(),
      R"({"tenant_id":"acme","session_id":")" + session +
          R"(","user":null,"limits":[{"name":"chat","limit":"4 per 10 seconds","scope":"session",)"
          R"("routes":["chat"],"algorithm":"fixed_window","mode":"enforce","unit":"requests","quota":4,)"
          R"("used":3,"remaining":1,"reset_after":7}]})");
  EXPECT_EQ(response.fields(), "Content-Type: application/json\r\nCache-Control: no-store\r\n");
}

TEST_F(LimitsRouteTest, ReadingCostsNothing) {
  const std::string session = open_session("acme");
  for (int i = 0; i < 50; ++i) EXPECT_EQ(own_limits("acme", session).status(), 200);
  EXPECT_EQ(store_.size(), 0U);
  EXPECT_THAT(chat("acme", session).fields(), HasSubstr("X-RateLimit-Remaining: 3\r\n"));
}

TEST_F(LimitsRouteTest, WithoutASessionTheDefaultsOfTheAddressAreShown) {
  send("POST", "/chat", R"({"message":"hi"})");
  for (const char* tenant : {"", "acme"}) {
    EXPECT_THAT(own_limits(tenant).body(),
                testing::AllOf(
                    HasSubstr(R"({"tenant_id":null,"session_id":null,"user":null,"limits":[)"),
                    HasSubstr(R"("name":"session","limit":"3 per 10 seconds")"),
                    HasSubstr(R"("quota":2,"used":1,"remaining":1)"), Not(HasSubstr("probing"))));
  }
}

TEST_F(LimitsRouteTest, ASessionThatDoesNotNameItsTenantIsChargedTwiceAndSeesBoth) {
  const std::string body = own_limits("", open_session("acme")).body();
  EXPECT_THAT(body, HasSubstr(R"("tenant_id":"acme")"));
  EXPECT_THAT(body, HasSubstr(R"({"name":"default:chat","limit":"2 per 10 seconds","scope":"ip")"));
  EXPECT_THAT(body, HasSubstr(R"({"name":"chat","limit":"4 per 10 seconds","scope":"session")"));
  EXPECT_THAT(body, HasSubstr(R"({"name":"session","limit":"3 per 10 seconds","scope":"ip")"));
}

TEST_F(LimitsRouteTest, NamesAreThoseOfTheResponseFields) {
  PlanLimit per_route = plan_limit("apart", "", Fact::kIp, 4, std::string(limits::kEveryRoute));
  per_route.limit.scope.parts.push_back({Fact::kRoute, ""});
  use_plans({per_route, plan_limit("chat", "", Fact::kIp, 2, "session")},
            {{"acme", {plan_limit("chat", "acme", Fact::kSession, 4, "chat")}}});
  const std::string session = open_session("acme");
  EXPECT_THAT(chat("acme", session, false).fields(),
              HasSubstr("RateLimit-Policy: \"apart\";q=4;w=10, \"chat\";q=4;w=10\r\n"));
  const std::string body = own_limits("", session).body();
  EXPECT_THAT(body, HasSubstr(R"("name":"apart")"));
  EXPECT_THAT(body, Not(HasSubstr("default:")));  // the two limits "chat" never meet
}

TEST_F(LimitsRouteTest, AFalseClaimIsAnsweredAsAnywhereAndCostsTheAddress) {
  EXPECT_EQ(own_limits("globex", open_session("acme")).status(), 403);
  EXPECT_EQ(own_limits("nobody").status(), 404);
  const http::Response denied = own_limits("acme", "forged");
  EXPECT_EQ(denied.status(), 429);
  EXPECT_THAT(denied.fields(), HasSubstr("RateLimit-Policy: \"probing\";q=2;w=10\r\n"));
}

TEST_F(LimitsRouteTest, WhoIsExemptHasNone) {
  address_ = "198.51.100.1";
  EXPECT_EQ(own_limits().body(), R"({"tenant_id":null,"session_id":null,"user":null,"limits":[]})");
}

TEST_F(LimitsRouteTest, ALimitOfSeveralRoutesStandsOnceOrOnceARoute) {
  PlanLimit shared = plan_limit("shared", "", Fact::kIp, 5, std::string(limits::kEveryRoute));
  Scope per_route = Fact::kIp;
  per_route.parts.push_back({Fact::kRoute, ""});
  PlanLimit apart = plan_limit("apart", "", per_route, 4, "chat");
  apart.routes.emplace_back("session");
  use_plans({shared, apart}, {});
  send("POST", "/chat", R"({"message":"hi"})");
  const std::string body = own_limits().body();
  EXPECT_THAT(body, HasSubstr(R"("name":"shared","limit":"5 per 10 seconds","scope":"ip",)"
                              R"("routes":["session","chat"],"algorithm")"));
  EXPECT_THAT(
      body,
      HasSubstr(
          R"("routes":["session","chat"],"route":"session",)"
          R"("algorithm":"fixed_window","mode":"enforce","unit":"requests","quota":4,"used":0,)"));
  EXPECT_THAT(
      body,
      HasSubstr(
          R"("routes":["session","chat"],"route":"chat",)"
          R"("algorithm":"fixed_window","mode":"enforce","unit":"requests","quota":4,"used":1,)"));
}

TEST_F(LimitsRouteTest, ABucketShowsItsBurst) {
  PlanLimit bucket = plan_limit("bucket", "", Fact::kIp, 5, "chat");
  bucket.limit.algorithm = Algorithm::kTokenBucket;
  bucket.limit.burst = 2;
  bucket.limit.mode = limits::Mode::kShadow;
  use_plans({bucket}, {});
  for (int i = 0; i < 2; ++i) send("POST", "/chat", R"({"message":"hi"})");
  EXPECT_THAT(
      own_limits().body(),
      HasSubstr(
          R"("algorithm":"token_bucket","mode":"shadow","unit":"requests","quota":5,"burst":2,"used":2,)"
          R"("remaining":0,"reset_after":4})"));
}

TEST_F(LimitsRouteTest, AnExhaustedLimitAndOneThatNeverHadAnything) {
  use_plans({plan_limit("chat", "", Fact::kIp, 1, "chat"),
             plan_limit("closed", "", Fact::kIp, 0, "session")},
            {});
  send("POST", "/chat", R"({"message":"hi"})");
  const std::string body = own_limits().body();
  EXPECT_THAT(body, HasSubstr(R"("remaining":0,"reset_after":10})"));
  EXPECT_THAT(body, HasSubstr(R"("remaining":0,"reset_after":0})"));
}

TEST_F(LimitsRouteTest, WithoutAStoreItIsA503) {
  AbsentStore absent;
  policy_ = test_policy(options_, services_, absent, newcomers_);
  EXPECT_EQ(own_limits().status(), 503);
}

}  // namespace
}  // namespace sluice
