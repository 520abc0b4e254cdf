// Limits that a tenant has beside those of its plan.
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/load_fixture.h"
#include "limiter/bucket_key.h"

namespace sluice::config {
namespace {

using limits::Limit;
using testing::ElementsAre;

class TenantLimits : public Load {
 protected:
  // A plan of one limit, and acme with `limits` of its own beside globex, which has the plan.
  [[nodiscard]] Result<Loaded> load_own(const std::string& limits) const {
    return load_text(
        "plans = ( { id = \"p\"; limits = ( { name = \"chat\"; routes = ( \"chat\" ); scope = "
        "\"session\"; rate = \"8/10s\"; } ); } );\ntenants = (\n{ id = \"globex\"; plan = \"p\"; "
        "},\n{ id = \"acme\"; plan = \"p\"; limits = (" +
        limits + "); } );\n");
  }
};

std::vector<std::string> shown(const Loaded& config, const std::string& tenant) {
  std::vector<std::string> texts;
  for (const limits::PlanLimit& limit : config.policy.plans->tenants().at(tenant)) {
    texts.push_back(limit.limit.name + " " + limit.limit.scope.text() + " " + limit.limit.text());
  }
  return texts;
}

constexpr const char* kDay = "{ name = \"day\"; routes = ( \"*\" ); scope = \"tenant\"; rate = ";

TEST_F(TenantLimits, AreBesideThoseOfThePlanAndOfNobodyElse) {
  const auto config = load_own(std::string(kDay) + "\"9/day; 5/hour\"; }");
  ASSERT_TRUE(config) << config.error().detail;
  EXPECT_THAT(shown(*config, "acme"),
              ElementsAre("chat session 8 per 10 seconds", "day tenant 9 per 1 day",
                          "day-2 tenant 5 per 1 hour"));
  EXPECT_THAT(shown(*config, "globex"), ElementsAre("chat session 8 per 10 seconds"));
  EXPECT_EQ(config->policy.plans->limits_for("acme", "chat", Standing::kKnown).size(), 3U);
  EXPECT_EQ(config->policy.plans->limits_for("acme", "session", Standing::kKnown).size(), 2U);
}

TEST_F(TenantLimits, WhatTheyDoNotSayHasTheDefaultOfAPlansLimit) {
  const auto config = load_own(std::string(kDay) + "\"9/day\"; }");
  ASSERT_TRUE(config) << config.error().detail;
  const Limit& limit = config->policy.plans->tenants().at("acme").at(1).limit;
  const Limit untouched;
  EXPECT_EQ(limit.tenant, "acme");
  EXPECT_EQ(limit.plan, "");
  EXPECT_EQ(limit.algorithm, untouched.algorithm);
  EXPECT_EQ(limit.mode, untouched.mode);
  EXPECT_EQ(limit.on_change, untouched.on_change);
  EXPECT_EQ(limit.on_store_error, untouched.on_store_error);
  identity::Identity caller;
  caller.tenant = "acme";
  EXPECT_EQ(limiter::bucket_key({}, limit, caller, "chat"), "sluice:v3:{acme}:day:tenant");
}

TEST_F(TenantLimits, MaySayAllThatAPlansLimitMay) {
  const auto config = load_own(
      "{ name = \"device\"; routes = ( \"chat\" ); scope = \"ip+header:X-Device\"; rate = \"5/s\"; "
      "algorithm = \"token_bucket\"; burst = 20; mode = \"shadow\"; on_store_error = \"allow\"; }, "
      "{ name = \"chat\"; rate = \"4/s\"; }");
  ASSERT_TRUE(config) << config.error().detail;
  EXPECT_THAT(shown(*config, "acme"), ElementsAre("chat session 4 per 1 second",
                                                  "device ip+header:x-device 5 per 1 second"));
  const Limit& limit = config->policy.plans->tenants().at("acme").at(1).limit;
  EXPECT_EQ(limit.burst, 20);
  EXPECT_EQ(limit.mode, limits::Mode::kShadow);
  EXPECT_EQ(limit.on_store_error, limits::OnStoreError::kAllow);
  EXPECT_EQ(config->policy.identity.headers, std::vector<std::string>{"x-device"});
}

TEST_F(TenantLimits, MayStandInAPlanThatHasNone) {
  const auto config = load_text(
      "plans = ( { id = \"p\"; limits = ( ); } );\ntenants = ( { id = \"acme\"; plan = \"p\"; "
      "limits = ( " +
      std::string(kDay) + "\"9/day\"; } ); } );\n");
  ASSERT_TRUE(config) << config.error().detail;
  EXPECT_THAT(shown(*config, "acme"), ElementsAre("day tenant 9 per 1 day"));
}

TEST_F(TenantLimits, ANameThatThePlansRatesHaveMadeIsFreeOnceTheyAreChanged) {
  const std::string plan =
      "plans = ( { id = \"p\"; limits = ( { name = \"chat\"; routes = ( \"chat\" ); scope = "
      "\"session\"; rate = \"8/10s; 9/hour\"; } ); } );\ntenants = ( { id = \"acme\"; plan = "
      "\"p\"; limits = (\n{ name = \"chat-2\"; routes = ( \"chat\" ); scope = \"ip\"; rate = "
      "\"7/s\"; }";
  const auto config = load_text(plan + ",\n{ name = \"chat\"; rate = \"1/s\"; } ); } );\n");
  ASSERT_TRUE(config) << config.error().detail;
  EXPECT_THAT(shown(*config, "acme"),
              ElementsAre("chat session 1 per 1 second", "chat-2 ip 7 per 1 second"));
  EXPECT_EQ(error_in(plan + " ); } );\n"),
            "test.cfg:1: rate 2 of limit \"chat\" makes a limit \"chat-2\", but there is one at "
            "test.cfg:3; rename one");
}

}  // namespace
}  // namespace sluice::config
