// Whose buckets `sluice reset` resets.
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "commands/operator_fixture.h"

namespace sluice::commands {
namespace {

using limits::Scope;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

Scope scope_of(std::string_view text) {
  return *limits::parse_scope(text);
}

// A tenant with a limit of each scope, named by it; and defaults of those that these may have.
class ResetTest : public OperatorFixture {
 protected:
  ResetTest() { use({"session", "tenant", "ip", "api_key", "user", "global"}); }

  void use(const std::vector<std::string>& scopes) {
    std::vector<limits::PlanLimit> defaults;
    for (const char* name : {"ip", "global"}) {
      defaults.push_back(plan_limit("d-" + std::string(name), "", scope_of(name), 100, "chat"));
    }
    std::vector<limits::PlanLimit> acme;
    for (const std::string& scope : scopes) {
      std::string name = scope;
      std::replace(name.begin(), name.end(), '+', '-');
      acme.push_back(plan_limit(name, "acme", scope_of(scope), 100, "chat"));
    }
    use_plans(std::move(defaults), {{"acme", std::move(acme)}, {"globex", {}}});
    config_.policy.plans = options_.plans;
  }

  // The limits whose buckets are full again after a reset, of all that were in use before.
  std::set<std::string> reset_by(const Whose& whose) {
    auto found = find_buckets(config_, whose, clock_.now());
    EXPECT_TRUE(found);
    for (const auto& one : found->limits) {
      static_cast<void>(run_now(limiter_->decide({one.limit}, found->identity, "chat", 1)));
    }
    done(whose, reset);
    std::set<std::string> full;
    EXPECT_NE(done(whose, peek), "error");
    for (const auto& one : found->limits) {
      const auto decision = run_now(limiter_->decide({one.limit}, found->identity, "chat", 0));
      if (decision.balances[0].remaining == 100) full.insert(one.limit->name);
    }
    return full;
  }
};

TEST_F(ResetTest, OnlyWhatTheFlagsNameIsReset) {
  const std::string session = open_session("acme");
  struct Row {
    Whose whose;
    std::set<std::string> own;
    std::set<std::string> shared;
  };
  const std::vector<Row> rows{
      {{.session = session}, {"session"}, {"tenant", "global"}},
      {{.tenant = "acme", .session = session}, {"session"}, {"tenant", "global"}},
      {{.api_key = "k1"}, {"session", "api_key", "user"}, {"tenant", "global"}},
      {{.tenant = "acme", .api_key = "k1"}, {"session", "api_key", "user"}, {"tenant", "global"}},
      {{.session = session, .api_key = "k1"}, {"session", "api_key", "user"}, {"tenant", "global"}},
      {{.tenant = "acme"}, {"tenant"}, {"global"}},
      {{.address = address_}, {"d-ip"}, {"d-global"}},
      {{.tenant = "acme", .address = address_}, {"ip", "d-ip"}, {"tenant", "global", "d-global"}},
      {{.session = session, .address = address_},
       {"session", "ip", "d-ip"},
       {"tenant", "global", "d-global"}},
  };
  for (std::size_t i = 0; i < rows.size(); ++i) {
    SCOPED_TRACE(i);
    Whose whose = rows[i].whose;
    EXPECT_EQ(reset_by(whose), rows[i].own);
    whose.shared = true;
    std::set<std::string> all = rows[i].own;
    all.insert(rows[i].shared.begin(), rows[i].shared.end());
    EXPECT_EQ(reset_by(whose), all);
  }
}

TEST_F(ResetTest, AJoinedScopeIsOwnIfAnyOfItsFactsIsNamed) {
  use({"tenant+session", "session+route", "tenant+route", "user+route", "tenant+ip"});
  EXPECT_EQ(reset_by({.session = open_session("acme")}),
            (std::set<std::string>{"tenant-session", "session-route"}));
  EXPECT_EQ(reset_by({.api_key = "k1"}),
            (std::set<std::string>{"tenant-session", "session-route", "user-route"}));
  EXPECT_EQ(reset_by({.tenant = "acme"}), std::set<std::string>{"tenant-route"});
  EXPECT_EQ(reset_by({.tenant = "acme", .address = address_}),
            (std::set<std::string>{"tenant-ip", "d-ip"}));
}

TEST_F(ResetTest, EachBucketIsShownAsItStoodAndWhyItWasKept) {
  use({"session", "tenant", "api_key"});
  const std::string session = open_session("acme");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(chat("acme", session).status(), 200);
  const std::string buckets =
      "session  route chat  scope session  100 per 10 seconds  used 3/100  remaining 97  reset 10 "
      "s\n"
      "tenant  route chat  scope tenant  100 per 10 seconds  used 3/100  remaining 97  reset 10 s"
      "  kept: others share it; --shared resets it too\n"
      "api_key  route chat  scope api_key  100 per 10 seconds  skipped: it takes --api-key to name "
      "its bucket\n";
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(done({.session = session}, preview_reset),
              buckets + "1 of 2 buckets would be reset; nothing was changed\n");
  }
  EXPECT_EQ(done({.session = session}, reset), buckets + "1 of 1 buckets had been in use\n");
  EXPECT_THAT(done({.session = session}, peek),
              AllOf(HasSubstr("used 0/100"), HasSubstr("used 3/100"), Not(HasSubstr("kept"))));
  EXPECT_THAT(done({.session = session, .shared = true}, preview_reset),
              AllOf(Not(HasSubstr("kept")), EndsWith("2 of 2 buckets would be reset; nothing was "
                                                     "changed\n")));
  EXPECT_THAT(done({.session = session, .shared = true}, reset),
              EndsWith("1 of 2 buckets had been in use\n"));
  EXPECT_THAT(done({.session = session}, peek), Not(HasSubstr("used 3/100")));
}

// The count of new buckets is of all of a tenant's callers.
TEST_F(ResetTest, NewcomersAreLetInAgainOnlyWithWhatIsShared) {
  use({"session"});
  limiter::Limiter guarded(store_, clock_, newcomers_,
                           {.newcomers = {.per_tenant = 1, .per_network = 0}});
  const auto is_crowded = [&] {
    auto buckets = find_buckets(config_, {.session = open_session("acme")}, clock_.now());
    const auto limits = limits::LimitSet{buckets->limits[0].limit};
    return run_now(guarded.decide(limits, buckets->identity, "chat", 1)).crowded;
  };
  const auto reset_by_session = [&](bool shared) {
    const Whose whose{.session = open_session("acme"), .shared = shared};
    auto buckets = find_buckets(config_, whose, clock_.now());
    EXPECT_TRUE(run_now(reset(*buckets, guarded)));
  };
  EXPECT_FALSE(is_crowded());
  EXPECT_TRUE(is_crowded());
  reset_by_session(false);
  EXPECT_TRUE(is_crowded());
  reset_by_session(true);
  EXPECT_FALSE(is_crowded());
}

}  // namespace
}  // namespace sluice::commands
