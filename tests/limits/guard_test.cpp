// Guards and holds, as decide() has them.
#include <gtest/gtest.h>

#include "limits/buckets.h"

namespace sluice::limits {
namespace {

using namespace std::chrono_literals;

// All callers may open 2 buckets in 60 seconds, and those of one network 1 of them.
class GuardTest : public testing::Test {
 protected:
  Decision take(const std::string& key, TimePoint now, std::int64_t cost = 1,
                const std::string& network = "net") {
    const std::vector<Charge> charges{{key,
                                       &chat_,
                                       cost,
                                       {{"all:opened", &wide_, "all:shared"},
                                        {network + ":opened", &narrow_, network + ":shared"}}}};
    return buckets_.decide(charges, now).decision;
  }

  Limit chat_ = limit(2, 10);
  Limit wide_ = limit(2, 60);
  Limit narrow_ = limit(1, 60);
  Buckets buckets_;
};

TEST_F(GuardTest, CountsTheBucketsThatAreOpenedAndNoOtherCharge) {
  EXPECT_FALSE(take("a", kStart).crowded);
  EXPECT_FALSE(take("a", kStart + 1s).crowded);
  EXPECT_FALSE(take("a", kStart + 2s).allowed);
  EXPECT_EQ(buckets_.used("a"), 2);
  EXPECT_EQ(buckets_.used("all:opened"), 1);
  EXPECT_EQ(buckets_.used("net:opened"), 1);
}

TEST_F(GuardTest, PastTheBoundCallersShareOneBucket) {
  take("a", kStart);
  for (const char* key : {"b", "c"}) {
    const Decision decision = take(key, kStart + 1s);
    EXPECT_TRUE(decision.crowded) << key;
    EXPECT_TRUE(decision.allowed) << key;
    EXPECT_EQ(buckets_.used(key), 0);
  }
  EXPECT_FALSE(take("d", kStart + 1s).allowed) << "what b and c share is used up";
  EXPECT_TRUE(take("a", kStart + 1s).allowed) << "who has a bucket keeps it";
  EXPECT_TRUE(take("e", kStart + 1s, 1, "other").allowed) << "another network has its own bound";
  EXPECT_TRUE(take("f", kStart + 1s, 1, "third").crowded) << "and all together have one";
  EXPECT_EQ(buckets_.used("net:shared"), 2);
  EXPECT_EQ(buckets_.used("all:shared"), 1);
  EXPECT_EQ(buckets_.used("third:opened"), 0) << "past the wide bound nothing else is kept";
}

TEST_F(GuardTest, CountsAnewInItsNextWindow) {
  take("a", kStart);
  EXPECT_TRUE(take("b", kStart + 59s).crowded);
  EXPECT_FALSE(take("b", kStart + 60s).crowded);
}

TEST_F(GuardTest, ABucketThatRanOutIsOpenedAgain) {
  take("a", kStart);
  EXPECT_TRUE(take("a", kStart + 10s).crowded) << "its network has opened one already";
  EXPECT_EQ(buckets_.used("net:shared"), 1);
}

TEST_F(GuardTest, ABucketThatDrainsUnitByUnitIsOpenedOnceByASteadyCaller) {
  for (const Algorithm algorithm : {Algorithm::kTokenBucket, Algorithm::kLeakyBucket}) {
    chat_.algorithm = algorithm;
    const std::string key = "steady" + std::to_string(static_cast<int>(algorithm));
    const auto start = kStart + (algorithm == Algorithm::kTokenBucket ? 0s : 1000s);
    for (int i = 0; i < 50; ++i) {
      EXPECT_FALSE(take(key, start + i * 6s, 1, key).crowded) << i;
    }
    EXPECT_EQ(buckets_.used(key + ":opened"), 1);
    EXPECT_TRUE(take(key, start + 50 * 6s + 10s, 1, key).allowed) << "and again after its lifetime";
    EXPECT_EQ(buckets_.used(key + ":opened"), 1) << "counted anew, by a guard that began anew";
  }
}

TEST_F(GuardTest, PeeksAndDenialsOpenNothing) {
  EXPECT_FALSE(take("a", kStart, 0).crowded);
  EXPECT_FALSE(take("a", kStart, 3).allowed) << "more than the quota";
  EXPECT_EQ(buckets_.used("all:opened"), 0);
  take("a", kStart);
  const Decision peek = take("b", kStart + 1s, 0);
  EXPECT_TRUE(peek.crowded) << "it shows where a charge would go";
  EXPECT_EQ(peek.balances[0].remaining, 2);
}

TEST(HoldTest, DeniesWhileAUnitIsInUseAndTellsForHowLong) {
  Limit hold{.name = "hold", .rate = {1, {1, Unit::kSecond}}, .burst = 1000};
  hold.algorithm = Algorithm::kLeakyBucket;
  hold.mode = Mode::kHold;
  const Limit chat = limit(8, 10);
  Buckets buckets;
  const auto ask = [&](TimePoint now) {
    return buckets.decide({{"chat", &chat, 1}, {"hold", &hold, 0}}, now);
  };
  EXPECT_TRUE(ask(kStart).decision.allowed);
  EXPECT_TRUE(buckets.decide({{"hold", &hold, 30}}, kStart).decision.allowed);
  const Outcome held = ask(kStart + 10s);
  EXPECT_FALSE(held.decision.allowed);
  EXPECT_TRUE(held.decision.denied_by(1));
  EXPECT_FALSE(held.decision.denied_by(0));
  EXPECT_EQ(held.decision.balances[1].retry_after, 20s);
  EXPECT_TRUE(held.changes.empty());
  EXPECT_FALSE(buckets.decide({{"hold", &hold, 30}}, kStart + 10s).decision.allowed)
      << "one that holds is not made longer";
  EXPECT_FALSE(ask(kStart + 30s - 1us).decision.allowed);
  EXPECT_TRUE(ask(kStart + 30s).decision.allowed);
}

}  // namespace
}  // namespace sluice::limits
