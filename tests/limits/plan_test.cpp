#include "limits/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::limits {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

PlanLimit plan_limit(std::string name, std::string tenant, std::string route) {
  return {.limit = {.name = std::move(name), .tenant = std::move(tenant), .rate = {}},
          .routes = {std::move(route)}};
}

Plans plans() {
  return {{plan_limit("default_chat", "", "chat"), plan_limit("session", "", "session"),
           plan_limit("probing", "", std::string(kIdentityFailure))},
          {{"acme", {plan_limit("chat", "acme", "chat"), plan_limit("day", "acme", "chat")}}}};
}

std::vector<std::string> names(const LimitSet& set) {
  std::vector<std::string> names;
  for (const Limit* limit : set) names.push_back(limit->name);
  return names;
}

TEST(PlansTest, AKnownCallerHasItsTenantsLimits) {
  const Plans p = plans();
  EXPECT_THAT(names(p.limits_for("acme", "chat", Standing::kKnown)), ElementsAre("chat", "day"));
}

TEST(PlansTest, APartlyKnownCallerHasTheDefaultsBesides) {
  const Plans p = plans();
  EXPECT_THAT(names(p.limits_for("acme", "chat", Standing::kPartial)),
              ElementsAre("default_chat", "chat", "day"));
}

TEST(PlansTest, AnAnonymousCallerHasTheDefaultsWhateverTenantItNames) {
  const Plans p = plans();
  EXPECT_THAT(names(p.limits_for("acme", "chat", Standing::kAnonymous)),
              ElementsAre("default_chat"));
  EXPECT_THAT(names(p.limits_for("", "session", Standing::kAnonymous)), ElementsAre("session"));
}

TEST(PlansTest, ARejectedCallerIsChargedForTheFailureAlone) {
  const Plans p = plans();
  EXPECT_THAT(names(p.limits_for("acme", "chat", Standing::kRejected)), ElementsAre("probing"));
}

TEST(PlansTest, AnExemptCallerHasNoLimits) {
  const Plans p = plans();
  EXPECT_THAT(names(p.limits_for("acme", "chat", Standing::kExempt)), IsEmpty());
}

TEST(PlansTest, ALimitOfEveryRouteLeavesIdentityFailuresAlone) {
  const Plans p({plan_limit("all", "", std::string(kEveryRoute)), plan_limit("chat", "", "chat"),
                 plan_limit("probing", "", std::string(kIdentityFailure))},
                {{"acme", {plan_limit("acme_all", "acme", std::string(kEveryRoute))}}});
  EXPECT_THAT(names(p.limits_for("", "chat", Standing::kAnonymous)), ElementsAre("all", "chat"));
  EXPECT_THAT(names(p.limits_for("", "session", Standing::kAnonymous)), ElementsAre("all"));
  EXPECT_THAT(names(p.limits_for("acme", "chat", Standing::kPartial)),
              ElementsAre("all", "chat", "acme_all"));
  EXPECT_THAT(names(p.limits_for("acme", "chat", Standing::kRejected)), ElementsAre("probing"));
}

TEST(PlansTest, ARouteWithoutLimitsHasNone) {
  const Plans p = plans();
  EXPECT_THAT(names(p.limits_for("", "status", Standing::kAnonymous)), IsEmpty());
  EXPECT_TRUE(p.has_tenant("acme"));
  EXPECT_FALSE(p.has_tenant("acm"));
}

}  // namespace
}  // namespace sluice::limits
