// Bars, as decide() has them.
#include <gtest/gtest.h>

#include "limits/buckets.h"

namespace sluice::limits {
namespace {

using namespace std::chrono_literals;

class BarTest : public testing::Test {
 protected:
  Outcome ask(TimePoint now, std::int64_t cost = 1) {
    return buckets_.decide({{"chat", &chat_, cost}}, now, {{"ended"}, {"locked"}});
  }
  Outcome set_up(Duration length, TimePoint now) {
    return buckets_.decide({}, now, {{"locked", length}});
  }

  Limit chat_{.name = "chat", .rate = {8, {10, Unit::kSecond}}};
  Buckets buckets_;
};

TEST_F(BarTest, WhileItStandsNothingIsChargedAndItIsToldForHowLong) {
  EXPECT_TRUE(ask(kStart).decision.allowed);
  EXPECT_TRUE(set_up(30s, kStart).decision.allowed);
  const Outcome barred = ask(kStart + 10s - 1us);
  EXPECT_FALSE(barred.decision.allowed);
  EXPECT_TRUE(barred.decision.is_barred());
  EXPECT_EQ(barred.decision.bars, (std::array<Duration, kMaxBars>{0s, 20s + 1us}));
  EXPECT_FALSE(barred.decision.denied_by(0)) << "the limit has room";
  EXPECT_EQ(barred.decision.balances[0].remaining, 7);
  EXPECT_TRUE(barred.changes.empty());
  EXPECT_FALSE(ask(kStart + 30s - 1us).decision.allowed);
  EXPECT_TRUE(ask(kStart + 30s).decision.allowed);
}

TEST_F(BarTest, OneThatStandsIsNotMadeLonger) {
  set_up(30s, kStart);
  const Outcome again = set_up(60s, kStart + 10s);
  EXPECT_FALSE(again.decision.allowed);
  EXPECT_EQ(again.decision.bars[0], 20s);
  EXPECT_TRUE(again.bars.empty());
  EXPECT_TRUE(set_up(60s, kStart + 30s).decision.allowed);
  EXPECT_FALSE(ask(kStart + 89s).decision.allowed);
}

TEST_F(BarTest, IsSetUpWithTheChargesOrNotAtAll) {
  const auto both = [&](std::int64_t cost) {
    return buckets_.decide({{"chat", &chat_, cost}}, kStart, {{"ended", 5s}, {"locked", 7s}});
  };
  EXPECT_FALSE(both(9).decision.allowed);
  EXPECT_TRUE(ask(kStart, 0).decision.allowed);
  EXPECT_TRUE(both(1).decision.allowed);
  EXPECT_EQ(ask(kStart, 0).decision.bars, (std::array<Duration, kMaxBars>{5s, 7s}));
  EXPECT_EQ(ask(kStart, 0).decision.balances[0].remaining, 7);
}

}  // namespace
}  // namespace sluice::limits
