#include "limiter/newcomers.h"

#include <gtest/gtest.h>

#include "gated_store.h"
#include "limiter/limiter.h"
#include "manual_clock.h"
#include "region_memory.h"
#include "run_task.h"
#include "store/memory/memory_store.h"

namespace sluice::limiter {
namespace {

using limits::Algorithm;
using limits::Decision;
using limits::Fact;
using limits::Limit;
using limits::Scope;
using std::chrono::seconds;

identity::Identity at(std::string address) {
  identity::Identity identity;
  identity.address = std::move(address);
  return identity;
}

identity::Identity session(std::uint8_t id, std::string address = "4:7f000001") {
  identity::Identity identity = at(std::move(address));
  identity.tenant = "acme";
  identity.session = SessionId{id};
  identity.standing = Standing::kKnown;
  return identity;
}

const identity::Identity kV4 = at("4:7f000001");
const identity::Identity kV6 = at("6:20010db8000a000b");

Limit limit(Scope scope, std::string tenant = "") {
  return {.name = "chat",
          .tenant = std::move(tenant),
          .scope = std::move(scope),
          .rate = {8, {10, limits::Unit::kSecond}}};
}

using Names = std::vector<std::string>;

class CrowdTest : public testing::Test {
 protected:
  Names names(const Limit& limit, const identity::Identity& identity) {
    Names names;
    for (const auto& crowd : newcomers_.crowds_of(limit, identity, "chat")) {
      names.push_back(crowd.name);
    }
    return names;
  }

  NewcomerMemory memory_;
  Newcomers newcomers_{{}, memory_};
};

TEST_F(CrowdTest, IsOfWhatClientsCanVary) {
  EXPECT_EQ(names(limit(Fact::kTenant, "acme"), session(1)), Names{});
  EXPECT_EQ(names(limit(Scope(), "acme"), session(1)), Names{});
  EXPECT_EQ(names(limit(*limits::parse_scope("tenant+route"), "acme"), session(1)), Names{});
  EXPECT_EQ(names(limit(Fact::kIp), kV4), Names{"@:chat"});
}

TEST_F(CrowdTest, IsOfANetworkByWhatItHasManyOf) {
  const Scope header = *limits::parse_scope("header:x-device");
  const Names v6{"@:chat", "@:chat:6:20010db8000a"};
  EXPECT_EQ(names(limit(Fact::kIp), kV6), v6);
  EXPECT_EQ(names(limit(header), kV6), v6);
  EXPECT_EQ(names(limit(header), kV4), (Names{"@:chat", "@:chat:4:7f000001"}));
  EXPECT_EQ(names(limit(Fact::kApiKey), kV6), v6) << "without a key its address counts";
  EXPECT_EQ(names(limit(Fact::kIp), at("6:20010d")), Names{"@:chat"})
      << "ipv6_prefix is shorter already";
}

TEST_F(CrowdTest, IsOfTheSessionsOfATenantAndOfANetwork) {
  identity::Identity known = session(1);
  EXPECT_EQ(names(limit(Fact::kSession, "acme"), known),
            (Names{"acme:chat", "acme:chat:4:7f000001"}));
  known.session.reset();
  known.user = "ci";
  EXPECT_EQ(names(limit(Fact::kSession, "acme"), known), Names{"acme:chat"})
      << "users are configured";
}

TEST_F(CrowdTest, IsCountedAsLongAsABucketOfTheLimitLives) {
  Newcomers one({.per_tenant = 7, .per_network = 0}, memory_);
  const auto window = [&](Algorithm algorithm, std::int64_t burst) {
    Limit bounded = limit(Fact::kIp);
    bounded.algorithm = algorithm;
    bounded.burst = burst;
    const auto found = one.crowds_of(bounded, kV6, "chat");
    EXPECT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].most, 7);
    return found[0].window;
  };
  EXPECT_EQ(window(Algorithm::kFixedWindow, 0), seconds(10));
  EXPECT_EQ(window(Algorithm::kSlidingLog, 0), seconds(10));
  EXPECT_EQ(window(Algorithm::kSlidingWindow, 0), seconds(20));
  EXPECT_EQ(window(Algorithm::kTokenBucket, 0), seconds(10));
  EXPECT_EQ(window(Algorithm::kLeakyBucket, 80), seconds(100));
  EXPECT_EQ(window(Algorithm::kLeakyBucket, 1), std::chrono::milliseconds(1250));
}

TEST_F(CrowdTest, ZeroIsNoBound) {
  Newcomers none({.per_tenant = 0, .per_network = 0}, memory_);
  EXPECT_TRUE(none.crowds_of(limit(Fact::kIp), kV6, "chat").empty());
}

// 2 sessions of a tenant, and 1 of each network.
class NewcomersTest : public testing::Test {
 protected:
  Decision take(const identity::Identity& identity, std::int64_t cost = 1) {
    const limits::LimitSet set{&limit_};
    return run_now(limiter_.decide(set, identity, "chat", cost));
  }

  ManualClock clock_;
  store::MemoryStore store_{clock_, {}};
  NewcomerMemory memory_;
  Limit limit_ = limit(Fact::kSession, "acme");
  Limiter limiter_{store_, clock_, memory_, {.newcomers = {.per_tenant = 2, .per_network = 1}}};
};

TEST_F(NewcomersTest, PastTheBoundCallersShareOneBucket) {
  EXPECT_FALSE(take(session(1)).crowded);
  EXPECT_EQ(take(session(1)).balances[0].remaining, 6);
  for (const int id : {2, 3}) {
    const Decision decision = take(session(static_cast<std::uint8_t>(id)), 4);
    EXPECT_TRUE(decision.crowded) << id;
    EXPECT_TRUE(decision.allowed) << id;
  }
  EXPECT_FALSE(take(session(4)).allowed) << "what 2 and 3 share is used up";
  EXPECT_EQ(take(session(1)).balances[0].remaining, 5) << "who has a bucket keeps it";
  EXPECT_FALSE(take(session(5, "4:7f000002")).crowded) << "another network has its own bound";
  EXPECT_TRUE(take(session(6, "4:7f000003")).crowded) << "and all together have one";
}

TEST_F(NewcomersTest, CountsAnewInItsNextWindow) {
  take(session(1));
  clock_.advance(seconds(10) - Duration(1));
  EXPECT_TRUE(take(session(2)).crowded);
  clock_.advance(Duration(1));
  EXPECT_FALSE(take(session(2)).crowded);
}

TEST_F(NewcomersTest, PeeksAndDenialsOpenNothing) {
  EXPECT_FALSE(take(session(1), 0).crowded);
  EXPECT_FALSE(take(session(1), 9).allowed) << "more than the quota";
  EXPECT_FALSE(take(session(2)).crowded);
  const Decision peek = take(session(3), 0);
  EXPECT_TRUE(peek.crowded) << "it shows where a charge would go";
  EXPECT_EQ(peek.balances[0].remaining, 8);
}

TEST_F(NewcomersTest, WhoIsKnownToTheStoreAloneKeepsItsBucket) {
  NewcomerMemory other_host;
  Limiter there(store_, clock_, other_host, {});
  const limits::LimitSet set{&limit_};
  const identity::Identity known = session(7);
  EXPECT_TRUE(run_now(there.decide(set, known, "chat", 1)).allowed);
  take(session(1));
  const Decision decision = take(session(7));
  EXPECT_FALSE(decision.crowded);
  EXPECT_EQ(decision.balances[0].remaining, 6);
}

TEST_F(NewcomersTest, ABucketThatDrainsUnitByUnitIsOpenedOnceByASteadyCaller) {
  for (const Algorithm algorithm : {Algorithm::kTokenBucket, Algorithm::kLeakyBucket}) {
    limit_.algorithm = algorithm;
    for (int i = 0; i < 50; ++i) {
      EXPECT_FALSE(take(session(1)).crowded) << i;
      clock_.advance(seconds(2));
    }
    clock_.advance(seconds(100));
  }
}

TEST_F(NewcomersTest, WorkersOfAHostCountTogether) {
  Limiter neighbour(store_, clock_, memory_, {.newcomers = {.per_tenant = 2, .per_network = 1}});
  const limits::LimitSet set{&limit_};
  const identity::Identity first = session(1);
  EXPECT_FALSE(run_now(neighbour.decide(set, first, "chat", 1)).crowded);
  EXPECT_TRUE(take(session(2)).crowded);
  EXPECT_FALSE(take(session(1)).crowded);
}

TEST_F(NewcomersTest, WhoGoesAwayBeforeItsBucketIsOpenedTakesNoPlace) {
  take(session(1));
  GatedStore gated(store_);
  Limiter waiting(gated, clock_, memory_, {.newcomers = {.per_tenant = 2, .per_network = 1}});
  const limits::LimitSet set{&limit_};
  const identity::Identity goes = session(2, "4:7f000002");
  {
    TestTasks tasks;
    std::optional<Decision> decision;
    tasks.start(keep_result(waiting.decide(set, goes, "chat", 1), decision));
    EXPECT_TRUE(take(session(3, "4:7f000002")).crowded) << "its place is reserved";
  }
  EXPECT_FALSE(take(session(3, "4:7f000002")).crowded);
}

TEST_F(NewcomersTest, AResetLetsThemInAgain) {
  take(session(1));
  EXPECT_TRUE(take(session(2), 8).crowded);
  const limits::LimitSet set{&limit_};
  const identity::Identity identity = session(1);
  EXPECT_EQ(run_now(limiter_.reset_crowds(set, identity, "chat")), 3)
      << "two counts and the shared bucket";
  EXPECT_EQ(run_now(limiter_.reset_crowds(set, identity, "chat")), 0);
  EXPECT_FALSE(take(session(2)).crowded);
  EXPECT_TRUE(take(session(3), 8).allowed) << "and what they share is full again";
}

// A clock that was set back leaves windows behind that end far ahead.
TEST_F(NewcomersTest, AClockSetBackSharesNobodysBucketForLong) {
  take(session(1));
  clock_.advance(-std::chrono::hours(1));
  EXPECT_FALSE(take(session(2)).crowded);
  EXPECT_TRUE(take(session(3)).crowded) << "and counts on from there";
}

TEST_F(NewcomersTest, MoreCrowdsThanThereIsRoomForForgetTheOldest) {
  for (int network = 0; network < 100'000; ++network) {
    const Newcomers::Crowd crowd{"crowd" + std::to_string(network), 1, seconds(10)};
    Newcomers newcomers({}, memory_);
    newcomers.opened("key" + std::to_string(network), std::span(&crowd, 1), clock_.now());
    EXPECT_TRUE(newcomers.full(std::span(&crowd, 1), clock_.now()));
    clock_.advance(Duration(1));
  }
}

}  // namespace
}  // namespace sluice::limiter
