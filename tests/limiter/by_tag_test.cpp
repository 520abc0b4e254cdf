#include "limiter/by_tag.h"

#include <set>

#include <gtest/gtest.h>

#include "limiter/limiter.h"
#include "manual_clock.h"
#include "region_memory.h"
#include "run_task.h"
#include "store/memory/memory_store.h"

namespace sluice::limiter {
namespace {

using limits::Ask;
using limits::Decision;
using limits::Limit;
using limits::PlanLimit;
using std::chrono::seconds;

// A Redis Cluster, as far as tags go: a call has one.
class OneTagStore final : public store::ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;

  [[nodiscard]] Task<Result<Decision>> take(Ask ask, std::optional<TimePoint> now) override {
    std::set<std::string_view> tags;
    for (const auto& charge : ask.charges) tags.insert(tag_in(charge.key));
    for (const auto& bar : ask.bars) tags.insert(tag_in(bar.key));
    EXPECT_LE(tags.size(), 1U) << testing::PrintToString(tags);
    ++calls;
    return ForwardingStore::take(ask, now);
  }

  int calls = 0;
};

class ByTagTest : public testing::Test {
 protected:
  static Limit limit(std::string_view scope, const std::string& tenant, std::int64_t quota = 2) {
    std::string name(scope.empty() ? "global" : scope);
    std::replace_if(
        name.begin(), name.end(), [](char c) { return c == ':' || c == '+'; }, '-');
    return {.name = name,
            .tenant = tenant,
            .plan = tenant.empty() ? "" : "gold",
            .scope = *limits::parse_scope(scope),
            .rate = {quota, {10, limits::Unit::kSecond}}};
  }

  static identity::Identity caller(Standing standing, bool has_session, bool has_key) {
    identity::Identity identity;
    identity.address = "4:7f000001";
    identity.standing = standing;
    if (standing == Standing::kAnonymous || standing == Standing::kRejected) return identity;
    identity.tenant = "acme";
    if (has_session) identity.session = SessionId{1};
    if (has_key) identity.api_key = identity.user = "alice";
    return identity;
  }

  ManualClock clock_;
  store::MemoryStore memory_{clock_, {}};
  OneTagStore store_{memory_};
  NewcomerMemory newcomers_;
};

const std::vector<const char*> kOfTenants{
    "session", "tenant", "ip", "api_key", "user", "global", "header:x-device", "ip+route"};

TEST_F(ByTagTest, EveryCallHasOneTagWhateverIdentityAndScope) {
  for (const bool has_global : {false, true}) {
    std::vector<PlanLimit> defaults{{limit("ip", ""), {"*"}}, {limit("ip+route", ""), {"*"}}};
    if (has_global) defaults.push_back({limit("global", ""), {"*"}});
    std::vector<PlanLimit> acme;
    for (const char* scope : kOfTenants) {
      if (has_global || scope != std::string_view("global")) {
        acme.push_back({limit(scope, "acme", 1000), {"*"}});
      }
    }
    acme.resize(std::min<std::size_t>(acme.size(), 6));
    const limits::Plans plans(defaults, {{"acme", acme}});
    Limiter limiter(store_, clock_, newcomers_,
                    {.keys = {.prefix = "sluice", .tags = Tags(plans)}, .penalty = {.after = 1}});
    for (const Standing standing : {Standing::kAnonymous, Standing::kPartial, Standing::kKnown,
                                    Standing::kRejected, Standing::kExempt}) {
      for (const bool has_session : {false, true}) {
        const identity::Identity who = caller(standing, has_session, !has_session);
        const auto limits = plans.limits_for(who.tenant, "chat", standing);
        const int before = store_.calls;
        for (int i = 0; i < 4; ++i) (void)run_now(limiter.decide(limits, who, "chat", 1));
        const bool has_two = standing == Standing::kPartial;
        EXPECT_TRUE(has_two || store_.calls - before <= 4 + 3 * 2) << "a call, and denials";
        if (who.session) (void)run_now(limiter.revoke(who, seconds(60)));
      }
    }
  }
}

TEST_F(ByTagTest, WhereOnePartyDeniesNobodyIsCharged) {
  const Limit address = limit("ip", "", 2);
  const Limit tenant = limit("tenant", "acme", 3);
  const identity::Identity who = caller(Standing::kPartial, true, false);
  Limiter limiter(store_, clock_, newcomers_, {});
  const auto ask = [&](std::int64_t cost) {
    const limits::LimitSet both{&address, &tenant};
    return run_now(limiter.decide(both, who, "chat", cost));
  };
  EXPECT_TRUE(ask(1).allowed);
  const Decision denied = ask(2);
  EXPECT_FALSE(denied.allowed);
  ASSERT_EQ(denied.balances.size(), 2U);
  EXPECT_TRUE(denied.denied_by(0));
  EXPECT_FALSE(denied.denied_by(1));
  EXPECT_EQ(denied.balances[0].remaining, 1);
  EXPECT_EQ(denied.balances[1].remaining, 2);
  EXPECT_EQ(denied.limits, (limits::LimitSet{&address, &tenant}));
  const Decision last = ask(1);
  EXPECT_TRUE(last.allowed);
  EXPECT_EQ(last.balances[1].remaining, 1);
}

TEST_F(ByTagTest, AnEndedSessionIsFoundBeforeAnybodyIsCharged) {
  const Limit address = limit("ip", "");
  const identity::Identity who = caller(Standing::kPartial, true, false);
  Limiter limiter(store_, clock_, newcomers_, {});
  EXPECT_EQ(run_now(limiter.revoke(who, seconds(60))), true);
  const limits::LimitSet set{&address};
  const Decision decision = run_now(limiter.decide(set, who, "chat", 1));
  EXPECT_EQ(decision.barred_by, limits::BarredBy::kEndedSession);
  EXPECT_FALSE(decision.allowed);
  EXPECT_EQ(decision.balances[0].remaining, 2);
  EXPECT_EQ(run_now(limiter.decide(set, caller(Standing::kAnonymous, false, false), "chat", 0))
                .balances[0]
                .remaining,
            2);
}

}  // namespace
}  // namespace sluice::limiter
