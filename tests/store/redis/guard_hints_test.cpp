#include "store/redis/guard_hints.h"

#include <gtest/gtest.h>

#include "store/redis/take_call.h"

namespace sluice::store::redis {
namespace {

using limits::Charge;
using limits::Decision;
using limits::Limit;
using limits::Unit;
using std::chrono::seconds;

constexpr TimePoint kNow{seconds(1'800'000'000)};
constexpr auto kOnTheWay = std::chrono::milliseconds(100);

class GuardHintsTest : public testing::Test {
 protected:
  // As the store answers when some of the quota is used until `reset_after`.
  struct Outcome {
    bool allowed = true;
    Duration retry_after = Duration::zero();
    bool crowded = false;
  };
  void learn(Duration reset_after, Outcome outcome) {
    Decision decision{
        .at = kNow, .limits = {&limit_}, .balances = {{0, reset_after, outcome.retry_after}}};
    decision.allowed = outcome.allowed;
    decision.crowded = outcome.crowded;
    hints_.learn(charges_, decision);
  }
  void learn(Duration reset_after) { learn(reset_after, {}); }

  // How many keys a call has for the charge at `at`.
  std::size_t keys_at(TimePoint at) {
    TakeArgument argument(at, at);
    argument.add_buckets(charges_);
    argument.add_decision(charges_, hints_);
    return argument.keys().size();
  }

  GuardHints hints_;
  Limit limit_{.name = "chat", .rate = {1, {10, Unit::kSecond}}};
  Limit guard_{.name = "guard", .rate = {9, {10, Unit::kSecond}}};
  std::vector<Charge> charges_{
      {"key", &limit_, 1, {{"opened", &guard_, "shared"}, {"opened4", &guard_, "shared4"}}}};
};

TEST_F(GuardHintsTest, ABucketThatWasSeenOpenNeedsNoGuardsUntilItCloses) {
  EXPECT_EQ(keys_at(kNow), 3);
  learn(seconds(7));
  EXPECT_TRUE(hints_.is_open("key", kNow));
  EXPECT_FALSE(hints_.is_open("other", kNow));
  EXPECT_EQ(keys_at(kNow + seconds(7) - kOnTheWay - Duration(1)), 1);
  EXPECT_EQ(keys_at(kNow + seconds(7) - kOnTheWay), 3) << "it may have closed when this arrives";
}

TEST_F(GuardHintsTest, ABucketThatWasSeenUnusedIsNotOpen) {
  learn(seconds(0));
  EXPECT_EQ(keys_at(kNow), 3);
}

TEST_F(GuardHintsTest, OneThatDrainsIsOpenForItsLifetime) {
  limit_.algorithm = limits::Algorithm::kTokenBucket;
  limit_.burst = 2;
  learn(seconds(1));
  EXPECT_TRUE(hints_.is_open("key", kNow + seconds(20) - kOnTheWay - Duration(1)));
  EXPECT_FALSE(hints_.is_open("key", kNow + seconds(20) - kOnTheWay));
}

TEST_F(GuardHintsTest, SharedBucketsAreSentAlongWhileThereIsACrowd) {
  learn(seconds(7), {.crowded = true});
  EXPECT_FALSE(hints_.is_open("key", kNow)) << "the balance is of the shared bucket";
  EXPECT_EQ(keys_at(kNow + seconds(9)), 5);
  EXPECT_EQ(keys_at(kNow + seconds(10)), 3);
}

TEST_F(GuardHintsTest, OneThatWasNotChargedDrainsFromAnEarlierMoment) {
  limit_.algorithm = limits::Algorithm::kTokenBucket;
  limit_.burst = 2;
  learn(seconds(3), {.allowed = false, .retry_after = seconds(1)});
  EXPECT_FALSE(hints_.is_open("key", kNow + seconds(3) - kOnTheWay));
  charges_[0].cost = 0;
  learn(seconds(3));
  EXPECT_FALSE(hints_.is_open("key", kNow + seconds(3) - kOnTheWay));
  EXPECT_TRUE(hints_.is_open("key", kNow + seconds(3) - kOnTheWay - Duration(1)));
  charges_[0].cost = 1;
  learn(seconds(3), {.allowed = false});
  EXPECT_FALSE(hints_.is_open("key", kNow + seconds(3) - kOnTheWay)) << "another limit denied";
  limit_.mode = limits::Mode::kShadow;
  learn(seconds(3), {.retry_after = seconds(1)});
  EXPECT_FALSE(hints_.is_open("key", kNow + seconds(3) - kOnTheWay)) << "without room";
  learn(seconds(3));
  charges_[0].cost = 0;
  learn(seconds(3));
  EXPECT_TRUE(hints_.is_open("key", kNow + seconds(19))) << "a peek takes nothing back";
}

TEST_F(GuardHintsTest, AHintThatWasWrongEndsThemAll) {
  learn(seconds(7));
  hints_.forget();
  EXPECT_EQ(keys_at(kNow), 3);
  hints_.expect_crowd(kNow);
  EXPECT_EQ(keys_at(kNow), 5);
  learn(seconds(7));
  hints_.expect_crowd(kNow);
  EXPECT_EQ(keys_at(kNow), 1);
}

TEST_F(GuardHintsTest, WhatIsSeenLaterTakesThePlace) {
  learn(seconds(7));
  for (int i = 0; i < 100'000; ++i) {
    charges_[0].key = "key" + std::to_string(i);
    learn(seconds(7));
    ASSERT_TRUE(hints_.is_open(charges_[0].key, kNow));
  }
  EXPECT_FALSE(hints_.is_open("key", kNow));
}

}  // namespace
}  // namespace sluice::store::redis
