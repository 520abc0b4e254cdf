// The section `routes`: routes of applications behind a gate.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/load_fixture.h"

namespace sluice::config {
namespace {

using testing::ElementsAre;

class LoadRoutes : public Load {};

TEST_F(LoadRoutes, ARouteSaysWhereItIsAndWhatItCosts) {
  const auto config = load_text(R"(
    gate = { unmatched = "deny"; };
    routes = (
      { name = "items"; match = "/items"; },
      { name = "write"; match = "POST,HEAD /api/*"; cost = 5;
        limits = ( { name = "write"; scope = "ip"; rate = "60/minute"; } ); },
      { name = "named"; } );
    defaults = ( { name = "all"; routes = ( "*" ); scope = "fact:Org"; rate = "100/minute"; } );
    plans = ( { id = "p"; limits = ( { name = "w"; routes = ( "write", "chat" ); scope = "tenant";
                                       rate = "9/s"; } ); } );
    costs = ( { route = "named"; cost = 2; } );
)");
  ASSERT_TRUE(config) << config.error().detail;
  const auto& options = config->policy;
  ASSERT_EQ(options.routes.size(), 3U);
  EXPECT_EQ(options.routes[0].path, "/items");
  EXPECT_FALSE(options.routes[0].is_prefix);
  EXPECT_THAT(options.routes[0].methods, ElementsAre());
  EXPECT_EQ(options.routes[1].path, "/api/");
  EXPECT_TRUE(options.routes[1].is_prefix);
  EXPECT_THAT(options.routes[1].methods, ElementsAre("POST", "GET"));
  EXPECT_EQ(options.routes[2].path, "");
  EXPECT_EQ(options.costs.at("write").at(0).cost, 5);
  EXPECT_EQ(options.costs.at("named").at(0).cost, 2);
  EXPECT_EQ(options.unmatched, policy::Unmatched::kDeny);
  EXPECT_THAT(options.identity.facts, ElementsAre("org"));

  const auto names = [&](std::string_view route) {
    std::vector<std::string> found;
    for (const auto* limit : options.plans->limits_for("", route, Standing::kAnonymous)) {
      found.push_back(limit->name);
    }
    return found;
  };
  EXPECT_THAT(names("write"), ElementsAre("all", "write"));
  EXPECT_THAT(names("items"), ElementsAre("all"));
}

TEST_F(LoadRoutes, WithoutTheSectionNothingIsMatchedAndAllPasses) {
  const auto config = load_text("log = {};\n");
  ASSERT_TRUE(config);
  EXPECT_TRUE(config->policy.routes.empty());
  EXPECT_EQ(config->policy.unmatched, policy::Unmatched::kAllow);
}

}  // namespace
}  // namespace sluice::config
