// What `defaults`, `plans` and `tenants` may say of a limit.
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/load_fixture.h"

namespace sluice::config {
namespace {

using limits::Algorithm;
using limits::Alignment;
using limits::Limit;
using limits::Mode;
using limits::OnChange;
using limits::OnStoreError;
using limits::PlanLimit;
using limits::Unit;
using testing::ElementsAre;

class ConfigLimits : public Load {
 protected:
  // A plan "p" of one limit on chat per session, and the tenant acme, which changes it.
  [[nodiscard]] Result<Loaded> load_limit(const std::string& says,
                                          const std::string& change = "") const {
    return load_text(
        "plans = ( { id = \"p\"; limits = ( { name = \"chat\"; routes = ( \"chat\" ); "
        "scope = \"session\"; " +
        says + " } ); } );\ntenants = ( { id = \"acme\"; plan = \"p\"; limits = (" +
        (change.empty() ? "" : " { name = \"chat\"; " + change + " } ") + "); } );\n");
  }
};

std::vector<std::string> shown(const std::vector<PlanLimit>& list) {
  std::vector<std::string> texts;
  for (const PlanLimit& limit : list) {
    texts.push_back(limit.limit.name + " " + limit.limit.text());
  }
  return texts;
}

TEST_F(ConfigLimits, WhatALimitDoesNotSayHasItsDefault) {
  const auto config = load_limit("rate = \"8/10s\";");
  ASSERT_TRUE(config) << config.error().detail;
  const Limit& limit = only_limit(*config, "acme").limit;
  const Limit untouched;
  EXPECT_EQ(limit.plan, "p");
  EXPECT_EQ(limit.tenant, "acme");
  EXPECT_EQ(limit.burst, 0);
  EXPECT_EQ(limit.algorithm, untouched.algorithm);
  EXPECT_EQ(limit.alignment, untouched.alignment);
  EXPECT_EQ(limit.time_zone, untouched.time_zone);
  EXPECT_EQ(limit.on_change, untouched.on_change);
  EXPECT_EQ(limit.mode, untouched.mode);
  EXPECT_EQ(limit.on_store_error, untouched.on_store_error);
}

TEST_F(ConfigLimits, ReadsEveryKey) {
  const std::string calendar =
      "rate = \"9/month\"; algorithm = \"fixed_window\"; align = \"calendar\"; time_zone = "
      "\"Europe/Berlin\"; on_change = \"proportional\"; mode = \"shadow\"; on_store_error = "
      "\"allow\";";
  // Of a plan, and as a tenant changes it.
  for (const auto& config :
       {load_limit(calendar), load_limit("rate = \"1/s\"; algorithm = \"sliding_log\";", calendar),
        load_limit("rate = \"1/s\"; algorithm = \"token_bucket\"; burst = 2;", calendar)}) {
    ASSERT_TRUE(config) << config.error().detail;
    const Limit& limit = only_limit(*config, "acme").limit;
    EXPECT_EQ(limit.rate, (limits::Rate{9, {1, Unit::kMonth}}));
    EXPECT_EQ(limit.burst, 0);
    EXPECT_EQ(limit.algorithm, Algorithm::kFixedWindow);
    EXPECT_EQ(limit.alignment, Alignment::kCalendar);
    EXPECT_EQ(limit.time_zone, "Europe/Berlin");
    EXPECT_EQ(limit.on_change, OnChange::kProportional);
    EXPECT_EQ(limit.mode, Mode::kShadow);
    EXPECT_EQ(limit.on_store_error, OnStoreError::kAllow);
  }
}

TEST_F(ConfigLimits, ABucketMayHaveABurst) {
  for (const char* algorithm : {"token_bucket", "leaky_bucket"}) {
    const std::string says = std::string("algorithm = \"") + algorithm + "\"; burst = 20;";
    for (const auto& config :
         {load_limit("rate = \"5/s\"; " + says), load_limit("rate = \"5/s\";", says)}) {
      ASSERT_TRUE(config) << config.error().detail;
      const Limit& limit = only_limit(*config, "acme").limit;
      EXPECT_EQ(limit.burst, 20);
      EXPECT_EQ(limit.terms().capacity, 20);
    }
  }
}

TEST_F(ConfigLimits, ATenantsAlgorithmDropsWhatItDoesNotHave) {
  const auto log = load_limit("rate = \"5/s\"; algorithm = \"token_bucket\"; burst = 20;",
                              "algorithm = \"sliding_log\";");
  ASSERT_TRUE(log) << log.error().detail;
  EXPECT_EQ(only_limit(*log, "acme").limit.burst, 0);
  const std::string monthly =
      "rate = \"5/month\"; align = \"calendar\"; time_zone = \"Europe/Berlin\";";
  for (const char* change : {"algorithm = \"leaky_bucket\";", "align = \"first_hit\";"}) {
    const auto config = load_limit(monthly, change);
    ASSERT_TRUE(config) << config.error().detail;
    EXPECT_EQ(only_limit(*config, "acme").limit.alignment, Alignment::kFirstHit);
    EXPECT_EQ(only_limit(*config, "acme").limit.time_zone, "UTC");
  }
}

TEST_F(ConfigLimits, ATenantMayWatchAGlobalLimit) {
  const auto config = load_text(R"(
default_plan = "p";
plans = ( { id = "p"; limits = (
  { name = "all"; routes = ( "*" ); scope = "global"; rate = "9/s"; } ); } );
tenants = ( { id = "acme"; limits = (
  { name = "all"; mode = "shadow"; on_store_error = "allow"; } ); } );
)");
  ASSERT_TRUE(config) << config.error().detail;
  const Limit& limit = only_limit(*config, "acme").limit;
  EXPECT_EQ(limit.mode, Mode::kShadow);
  EXPECT_EQ(limit.plan, "p");
  EXPECT_TRUE(limit.scope.parts.empty());
}

TEST_F(ConfigLimits, SeveralRatesAreSeveralLimits) {
  const auto config = load_limit("rate = \"100/day; 10/minute, 1/s\"; mode = \"shadow\";");
  ASSERT_TRUE(config) << config.error().detail;
  const auto& list = config->policy.plans->tenants().at("acme");
  EXPECT_THAT(shown(list),
              ElementsAre("chat 100 per 1 day", "chat-2 10 per 1 minute", "chat-3 1 per 1 second"));
  for (const PlanLimit& limit : list) {
    EXPECT_EQ(limit.limit.tenant, "acme");
    EXPECT_EQ(limit.limit.plan, "p");
    EXPECT_EQ(limit.limit.scope, limits::Fact::kSession);
    EXPECT_EQ(limit.limit.mode, Mode::kShadow);
    EXPECT_EQ(limit.routes, std::vector<std::string>{"chat"});
  }
}

TEST_F(ConfigLimits, ATenantsRatesReplaceAllOfItsPlans) {
  struct Row {
    std::string plan;
    std::string tenant;
    std::vector<std::string> shown;
  };
  const std::vector<Row> rows{
      {"100/day; 10/minute", "5/hour", {"chat 5 per 1 hour"}},
      {"5/hour", "100/day; 10/minute", {"chat 100 per 1 day", "chat-2 10 per 1 minute"}},
      {"1/s;2/m;3/h", "4/s;5/d", {"chat 4 per 1 second", "chat-2 5 per 1 day"}},
  };
  for (const Row& row : rows) {
    const auto config =
        load_limit("rate = \"" + row.plan + "\";", "rate = \"" + row.tenant + "\";");
    ASSERT_TRUE(config) << config.error().detail;
    EXPECT_EQ(shown(config->policy.plans->tenants().at("acme")), row.shown);
  }
}

TEST_F(ConfigLimits, AllRatesOfATenantsLimitChangeTogether) {
  const auto config = load_limit("rate = \"100/day; 10/minute\";",
                                 "algorithm = \"sliding_window\"; on_store_error = \"allow\";");
  ASSERT_TRUE(config) << config.error().detail;
  const auto& list = config->policy.plans->tenants().at("acme");
  EXPECT_THAT(shown(list), ElementsAre("chat 100 per 1 day", "chat-2 10 per 1 minute"));
  for (const PlanLimit& limit : list) {
    EXPECT_EQ(limit.limit.algorithm, Algorithm::kSlidingWindow);
    EXPECT_EQ(limit.limit.on_store_error, OnStoreError::kAllow);
  }
}

TEST_F(ConfigLimits, DefaultsMayHaveSeveralRatesOnEveryRoute) {
  const auto config = load_text(
      "defaults = ( { name = \"all\"; routes = ( \"*\" ); scope = \"ip+route\"; rate = "
      "\"100/day|10/s\"; } );\n");
  ASSERT_TRUE(config) << config.error().detail;
  const auto defaults = config->policy.plans->defaults();
  EXPECT_THAT(shown({defaults.begin(), defaults.end()}),
              ElementsAre("all 100 per 1 day", "all-2 10 per 1 second"));
  EXPECT_EQ(defaults[1].limit.scope.text(), "ip+route");
  EXPECT_EQ(defaults[1].limit.plan, "");
  for (const char* route : {"status", "session", "chat"}) {
    EXPECT_EQ(config->policy.plans->limits_for("", route, Standing::kAnonymous).size(), 2U);
  }
  EXPECT_TRUE(config->policy.plans->limits_for("", "chat", Standing::kRejected).empty());
}

TEST_F(ConfigLimits, HeadersOfAllScopesAreToldToTheResolverOnce) {
  const auto config = load_text(R"(
defaults = (
  { name = "a"; routes = ( "chat" ); scope = "header:X-Device"; rate = "1/s"; },
  { name = "b"; routes = ( "chat" ); scope = "ip+header:x-device"; rate = "1/s"; } );
plans = ( { id = "p"; limits = (
  { name = "c"; routes = ( "chat" ); scope = "session+header:X-App+header:X-DEVICE"; rate = "1/s"; }
  ); } );
tenants = ( { id = "acme"; plan = "p"; }, { id = "globex"; plan = "p"; } );
)");
  ASSERT_TRUE(config) << config.error().detail;
  EXPECT_THAT(config->policy.identity.headers, ElementsAre("x-app", "x-device"));
}

TEST_F(ConfigLimits, ATenantWithoutAPlanHasTheDefaultOne) {
  const auto config = load_text(R"(
default_plan = "slow";
tenants = ( { id = "acme"; }, { id = "globex"; plan = "fast"; },
            { id = "initech"; limits = ( { name = "chat"; rate = "2/s"; } ); } );
plans = (
  { id = "slow"; limits = ( { name = "chat"; routes = ( "*" ); scope = "tenant"; rate = "1/s"; } ); },
  { id = "fast"; limits = ( { name = "chat"; routes = ( "*" ); scope = "tenant"; rate = "9/s"; } ); }
);
)");
  ASSERT_TRUE(config) << config.error().detail;
  const auto& tenants = config->policy.plans->tenants();
  EXPECT_THAT(shown(tenants.at("acme")), ElementsAre("chat 1 per 1 second"));
  EXPECT_THAT(shown(tenants.at("globex")), ElementsAre("chat 9 per 1 second"));
  EXPECT_THAT(shown(tenants.at("initech")), ElementsAre("chat 2 per 1 second"));
  EXPECT_EQ(only_limit(*config, "acme").limit.plan, "slow");
}

TEST_F(ConfigLimits, ReadsWhatARequestCosts) {
  const auto config = load_text(R"(
costs = ( { route = "chat"; from = "body:max_tokens-2"; cost = 5; min = 2; max = 1000000000; },
          { route = "session"; cost = 7; }, { route = "status"; from = "header:X-Cost"; } );
)");
  ASSERT_TRUE(config) << config.error().detail;
  using Source = http::CostRule::Source;
  struct Row {
    std::string route;
    http::CostRule rule;
  };
  const std::vector<Row> rows{
      {"chat", {Source::kBody, "max_tokens-2", 5, 2, 1'000'000'000}},
      {"session", {Source::kFixed, "", 7, 1, 1000}},
      {"status", {Source::kHeader, "HTTP_X_COST", 1, 1, 1000}},
  };
  ASSERT_EQ(config->policy.costs.size(), rows.size());
  for (const Row& row : rows) {
    SCOPED_TRACE(row.route);
    const http::CostRule& rule = config->policy.costs.at(row.route).at(0);
    EXPECT_EQ(rule.source, row.rule.source);
    EXPECT_EQ(rule.name, row.rule.name);
    EXPECT_EQ(rule.cost, row.rule.cost);
    EXPECT_EQ(rule.min, row.rule.min);
    EXPECT_EQ(rule.max, row.rule.max);
  }
}

}  // namespace
}  // namespace sluice::config
