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

  [[nodiscard]] Task<Result<std::int64_t>> reset(std::span<const std::string> keys) override {
    std::set<std::string_view> tags;
    for (const std::string& key : keys) tags.insert(tag_in(key));
    EXPECT_EQ(tags.size(), 1U) << testing::PrintToString(tags);
    return ForwardingStore::reset(keys);
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

  static std::vector<identity::Identity> kinds_of_callers() {
    std::vector<identity::Identity> callers;
    for (const Standing standing : {Standing::kAnonymous, Standing::kPartial, Standing::kKnown,
                                    Standing::kRejected, Standing::kExempt}) {
      callers.push_back(caller(standing, true, false));
      callers.push_back(caller(standing, false, true));
    }
    return callers;
  }

  ManualClock clock_;
  store::MemoryStore memory_{clock_, {}};
  OneTagStore store_{memory_};
  NewcomerMemory newcomers_;
};

// The scopes of a tenant's limits and of `defaults`: together each of them, with the rest.
struct Mix {
  std::vector<const char*> tenant;
  std::vector<const char*> defaults;
};
const std::vector<Mix> kMixes{
    {{"session", "tenant", "ip", "api_key", "user"}, {"ip", "ip+route"}},
    {{"header:x-device", "fact:org", "ip+route", "global", "route"}, {"ip", "global"}},
    {{"session", "user+fact:org", "global"}, {"ip", "header:x-device", "fact:org"}},
    {{"tenant+route"}, {"route", "ip+header:x-device"}},
};

limits::Plans plans_of(const Mix& mix,
                       Limit (*limit)(std::string_view, const std::string&, std::int64_t)) {
  std::vector<PlanLimit> defaults;
  std::vector<PlanLimit> acme;
  for (const char* scope : mix.defaults) defaults.push_back({limit(scope, "", 2), {"*"}});
  for (const char* scope : mix.tenant) acme.push_back({limit(scope, "acme", 1000), {"*"}});
  return {std::move(defaults), {{"acme", std::move(acme)}}};
}

// Everything that a limiter asks of a store, for four callers who differ in their address.
void ask_all(Limiter& limiter, const limits::Plans& plans, identity::Identity who) {
  for (int i = 0; i < 4; ++i) {
    who.address = "4:7f00000" + std::to_string(i);
    const auto limits = plans.limits_for(who.tenant, "chat", who.standing);
    (void)run_now(limiter.decide(limits, who, "chat", 1));
    (void)run_now(limiter.reset(limits, who, "chat"));
    (void)run_now(limiter.reset_crowds(limits, who, "chat"));
  }
  if (who.session) (void)run_now(limiter.revoke(who, seconds(60)));
}

TEST_F(ByTagTest, EveryCallHasOneTagWhateverIdentityAndScope) {
  for (const Mix& mix : kMixes) {
    const limits::Plans plans = plans_of(mix, &limit);
    for (const std::int64_t newcomers : {std::int64_t{100'000}, std::int64_t{1}}) {
      NewcomerMemory memory;
      Limiter limiter(store_, clock_, memory,
                      {.keys = {.prefix = "sluice", .tags = Tags(plans)},
                       .newcomers = {.per_tenant = newcomers, .per_network = newcomers},
                       .penalty = {.after = 1}});
      for (const identity::Identity& who : kinds_of_callers()) ask_all(limiter, plans, who);
    }
  }
}

// Two parties, or a newcomer who has to share, are asked more often.
TEST_F(ByTagTest, ADecisionOfOnePartyIsOneCall) {
  const std::vector<PlanLimit> acme{{limit("session", "acme", 1000), {"*"}},
                                    {limit("global", "acme", 1000), {"*"}}};
  const limits::Plans plans({{limit("ip", "", 1000), {"*"}}}, {{"acme", acme}});
  Limiter limiter(store_, clock_, newcomers_, {.keys = {.prefix = "sluice", .tags = Tags(plans)}});
  for (const Standing standing : {Standing::kAnonymous, Standing::kKnown}) {
    const identity::Identity who = caller(standing, true, false);
    const int before = store_.calls;
    (void)run_now(limiter.decide(plans.limits_for(who.tenant, "chat", standing), who, "chat", 1));
    EXPECT_EQ(store_.calls - before, 1);
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
