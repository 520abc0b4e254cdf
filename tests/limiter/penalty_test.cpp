#include "limiter/penalty.h"

#include <utility>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "limiter/limiter.h"
#include "manual_clock.h"
#include "region_memory.h"
#include "run_task.h"
#include "store/memory/memory_store.h"

namespace sluice::limiter {
namespace {

using limits::BarredBy;
using limits::Decision;
using limits::Limit;
using std::chrono::seconds;

// One unit each 10 seconds; two denials are let pass, the third locks out for a minute.
class PenaltyTest : public testing::Test {
 protected:
  Decision ask(const identity::Identity& identity, std::int64_t cost = 1) {
    const limits::LimitSet set{&limit_};
    return run_now(limiter_.decide(set, identity, "chat", cost));
  }

  static identity::Identity session(std::uint8_t id, std::string address = "4:7f000001") {
    identity::Identity identity;
    identity.address = std::move(address);
    identity.tenant = "acme";
    identity.session = SessionId{id};
    identity.standing = Standing::kKnown;
    return identity;
  }

  // Uses up the quota and is denied so often.
  void be_denied(const identity::Identity& identity, int times) {
    EXPECT_TRUE(ask(identity).allowed);
    for (int i = 0; i < times; ++i) EXPECT_FALSE(ask(identity).allowed);
  }

  Limit limit_{.name = "chat",
               .tenant = "acme",
               .scope = limits::Fact::kSession,
               .rate = {1, {10, limits::Unit::kSecond}}};
  ManualClock clock_;
  store::MemoryStore store_{clock_, {}};
  NewcomerMemory newcomers_;
  Limiter limiter_{
      store_,
      clock_,
      newcomers_,
      {.penalty = {
           .after = 2, .first = seconds(60), .most = seconds(200), .forget = seconds(3600)}}};
};

TEST_F(PenaltyTest, TheFirstDenialsCostNothing) {
  be_denied(session(1), 2);
  clock_.advance(seconds(10));
  EXPECT_TRUE(ask(session(1)).allowed);
}

TEST_F(PenaltyTest, EachFurtherDenialLocksOutForLongerUpToTheMost) {
  be_denied(session(1), 3);
  for (const int length : {60, 120, 200, 200}) {
    clock_.advance(seconds(length - 1));
    const Decision held = ask(session(1));
    EXPECT_FALSE(held.allowed) << length;
    EXPECT_EQ(held.barred_by, BarredBy::kLockOut) << length;
    EXPECT_EQ(held.barred_for, seconds(1)) << length;
    ASSERT_EQ(held.balances.size(), 1U) << "the lock-out is no limit";
    clock_.advance(seconds(1));
    be_denied(session(1), 1);
  }
}

TEST_F(PenaltyTest, AskingWhileLockedOutMakesItNoLonger) {
  be_denied(session(1), 3);
  for (int i = 0; i < 60; ++i) {
    EXPECT_FALSE(ask(session(1)).allowed) << i;
    clock_.advance(seconds(1));
  }
  EXPECT_TRUE(ask(session(1)).allowed);
}

TEST_F(PenaltyTest, IsOfOneSessionAlone) {
  be_denied(session(1), 3);
  EXPECT_TRUE(ask(session(2)).allowed);
}

TEST_F(PenaltyTest, IsOfTheAddressWithoutASession) {
  identity::Identity anonymous;
  anonymous.address = "4:7f000001";
  be_denied(anonymous, 3);
  clock_.advance(seconds(10));
  EXPECT_EQ(ask(anonymous).barred_by, BarredBy::kLockOut);
  EXPECT_TRUE(ask(session(1)).allowed) << "who shows a session at that address is another";
  anonymous.address = "4:7f000002";
  EXPECT_TRUE(ask(anonymous).allowed);
}

TEST_F(PenaltyTest, DenialsAreForgotten) {
  be_denied(session(1), 2);
  clock_.advance(seconds(3600));
  be_denied(session(1), 1);
  EXPECT_EQ(ask(session(1)).barred_by, BarredBy::kNone) << "that was the second one still counted";
}

TEST_F(PenaltyTest, WhatCostsNothingIsToldAndNotDenied) {
  be_denied(session(1), 3);
  const limits::LimitSet none;
  const identity::Identity identity = session(1);
  const Decision peek = run_now(limiter_.decide(none, identity, "limits", 0));
  EXPECT_TRUE(peek.allowed);
  EXPECT_EQ(peek.barred_by, BarredBy::kLockOut);
  EXPECT_EQ(peek.barred_for, seconds(60));
}

TEST_F(PenaltyTest, CanBeForgiven) {
  be_denied(session(1), 3);
  const identity::Identity identity = session(1);
  EXPECT_EQ(run_now(limiter_.forgive(identity)), true);
  EXPECT_EQ(run_now(limiter_.forgive(identity)), false);
  clock_.advance(seconds(10));
  be_denied(session(1), 2);
  EXPECT_EQ(ask(session(1)).barred_by, BarredBy::kNone) << "the count began anew";
}

TEST_F(PenaltyTest, WhatOthersUsedUpIsNobodysOwnDoing) {
  Limit shared = limit_;
  shared.scope = limits::Fact::kTenant;
  const limits::LimitSet set{&shared};
  const identity::Identity first = session(1);
  const identity::Identity second = session(2);
  EXPECT_TRUE(run_now(limiter_.decide(set, first, "chat", 1)).allowed);
  for (int i = 0; i < 9; ++i)
    EXPECT_FALSE(run_now(limiter_.decide(set, second, "chat", 1)).allowed);
  clock_.advance(seconds(10));
  EXPECT_TRUE(run_now(limiter_.decide(set, second, "chat", 1)).allowed);
}

TEST_F(PenaltyTest, NothingIsKeptOfWhoAsksForTooMuchAtOnce) {
  for (int i = 0; i < 9; ++i) EXPECT_FALSE(ask(session(1), 2).allowed);
  EXPECT_EQ(store_.size(), 0U);
}

TEST_F(PenaltyTest, OnlySoManySessionsOfATenantAreEndedInADay) {
  Limiter strict(store_, clock_, newcomers_, {.newcomers = {.per_tenant = 2}});
  const identity::Identity first = session(1, "4:7f000001");
  const identity::Identity second = session(2, "4:7f000002");
  const identity::Identity third = session(3, "4:7f000003");
  EXPECT_EQ(run_now(strict.revoke(first, seconds(300))), true);
  EXPECT_EQ(run_now(strict.revoke(second, seconds(300))), true);
  EXPECT_EQ(run_now(strict.revoke(first, seconds(300))), false) << "it had been";
  EXPECT_EQ(run_now(strict.revoke(third, seconds(300))).error().code, ErrorCode::kTooManyEnded);
  EXPECT_EQ(ask(session(3)).barred_by, BarredBy::kNone);
  clock_.advance(std::chrono::days(1));
  EXPECT_EQ(run_now(strict.revoke(third, seconds(300))), true);
}

// The callers of an IPv6 /48 are one. Past its share it is denied, and another network is not; to
// end a session twice is no fault of anybody.
TEST_F(PenaltyTest, ANetworkEndsNoMoreThanItsShareOfATenantsSessions) {
  struct Row {
    Newcomers::Options most;
    int share;
  };
  const std::vector<Row> rows{{{.per_tenant = 100, .per_network = 3}, 3},
                              {{.per_tenant = 100, .per_network = 50}, 10},
                              {{.per_tenant = 109, .per_network = 0}, 10},
                              {{.per_tenant = 9, .per_network = 7}, 1},
                              {{.per_tenant = 0, .per_network = 4}, 4}};
  for (const Row& row : rows) {
    store::MemoryStore store(clock_, {});
    Limiter limiter(store, clock_, newcomers_, {.newcomers = row.most});
    const auto revoke = [&](int id, const std::string& address) {
      const identity::Identity identity = session(static_cast<std::uint8_t>(id), address);
      return run_now(limiter.revoke(identity, seconds(300)));
    };
    for (int id = 1; id <= row.share; ++id) {
      EXPECT_EQ(revoke(id, fmt::format("6:20010db8000a{:020x}", id)), true) << row.share;
    }
    EXPECT_EQ(revoke(1, "6:20010db8000a00000000000000000000"), false) << "it had been";
    const auto denied = revoke(100, "6:20010db8000a00000000000000000000");
    ASSERT_FALSE(denied) << row.share;
    EXPECT_EQ(denied.error().code, ErrorCode::kTooManyEndedHere);
    EXPECT_EQ(denied.error().detail, "86400") << "the seconds until its day is over";
    EXPECT_EQ(revoke(100, "6:20010db8000b00000000000000000000"), true) << "from another network";
  }
}

TEST_F(PenaltyTest, AnEndedSessionAndItsBoundsShareTheTenantsHashTag) {
  const identity::Identity identity = session(1);
  EXPECT_EQ(run_now(limiter_.revoke(identity, seconds(300))), true);
  const std::string kept = store_.dump();
  EXPECT_THAT(kept, testing::HasSubstr("sluice:v3:{acme}:@endings:all=")) << kept;
  EXPECT_THAT(kept, testing::HasSubstr("sluice:v3:{acme}:@endings:4:7f000001="));
  EXPECT_EQ(store_.size(), 3U);
}

TEST_F(PenaltyTest, IsOffByDefault) {
  Limiter plain(store_, clock_, newcomers_, {});
  const limits::LimitSet set{&limit_};
  const identity::Identity identity = session(1);
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(run_now(plain.decide(set, identity, "chat", 1)).barred_by, BarredBy::kNone);
  }
  EXPECT_EQ(store_.size(), 1U) << "the bucket: denials are not counted";
}

TEST_F(PenaltyTest, ARevokedSessionStaysRevokedUntilItWouldHaveExpired) {
  const identity::Identity identity = session(1);
  EXPECT_EQ(run_now(limiter_.revoke(identity, seconds(300))), true);
  EXPECT_EQ(run_now(limiter_.revoke(identity, seconds(300))), false) << "twice is once";
  const limits::LimitSet none;
  EXPECT_EQ(ask(identity).barred_by, BarredBy::kEndedSession);
  EXPECT_EQ(run_now(limiter_.decide(none, identity, "limits", 0)).barred_by,
            BarredBy::kEndedSession);
  EXPECT_FALSE(run_now(limiter_.decide(none, identity, "limits", 0)).allowed);
  EXPECT_TRUE(ask(session(2)).allowed);
  clock_.advance(seconds(300 + 59));
  EXPECT_EQ(ask(identity).barred_by, BarredBy::kEndedSession)
      << "a minute more, should clocks differ";
  clock_.advance(-seconds(60));
  EXPECT_EQ(ask(identity).barred_by, BarredBy::kEndedSession);
  clock_.advance(seconds(61));
  EXPECT_TRUE(ask(identity).allowed);
}

}  // namespace
}  // namespace sluice::limiter
