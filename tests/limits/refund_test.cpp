// Reserving and settling, as step() and decide() have them: units that go in under a mark and come
// out again.
#include <gtest/gtest.h>

#include "limits/buckets.h"
#include "limits/receipts.h"

namespace sluice::limits {
namespace {

using namespace std::chrono_literals;

class RefundTest : public testing::TestWithParam<Algorithm> {
 protected:
  RefundTest() { limit_.algorithm = GetParam(); }

  // Charges `cost` under a mark; the charge with the trace that a refund needs.
  Charge reserve(std::int64_t cost, TimePoint now) {
    const Mark mark{"mark" + std::to_string(++number_), "", "reserved", 60s};
    const Charge charge{"k", &limit_, cost};
    EXPECT_TRUE(buckets_.decide({charge}, now, {}, &mark).decision.allowed);
    const auto bytes = *buckets_.mark_of(mark.key);
    EXPECT_TRUE(bytes.starts_with(mark.value));
    const std::vector<Algorithm> algorithms{limit_.algorithm};
    const auto receipts = decode_receipts(bytes.substr(mark.value.size()), algorithms);
    EXPECT_EQ(receipts->at, now);
    EXPECT_EQ(receipts->charges.at(0).units, cost);
    const View after = receipts->charges.at(0).after;
    return {"k", &limit_, cost, Move::kRefund, trace_of(after, cost, limit_.terms())};
  }
  // What is left of the quota after a refund of `units` of it.
  std::int64_t refund(Charge charge, std::int64_t units, TimePoint now) {
    charge.cost = units;
    return buckets_.decide({charge}, now).decision.balances.at(0).remaining;
  }
  std::int64_t take(std::int64_t cost, TimePoint now) {
    const auto decision = buckets_.decide({{"k", &limit_, cost}}, now).decision;
    EXPECT_TRUE(decision.allowed);
    return decision.balances.at(0).remaining;
  }
  std::int64_t remaining(TimePoint now) { return take(0, now); }

  Limit limit_ = limit(100, 10);
  Buckets buckets_;
  int number_ = 0;
};

TEST_P(RefundTest, GivesBackWhatWasNotUsedAndNotMore) {
  const Charge reserved = reserve(60, kStart);
  EXPECT_EQ(remaining(kStart), 40);
  EXPECT_EQ(refund(reserved, 50, kStart), 90);
  EXPECT_EQ(refund(reserved, 50, kStart), 100) << "the rest, and not 140";
  EXPECT_EQ(refund(reserved, 50, kStart), 100);
}

TEST_P(RefundTest, OfABucketThatOthersUseToo) {
  take(20, kStart - 1s);
  const Charge reserved = reserve(60, kStart);
  take(10, kStart + 1us);
  const std::int64_t before = remaining(kStart + 1us);
  const std::int64_t drained = is_bucket(limit_.algorithm) ? 1 : 0;  // a part of a unit
  EXPECT_EQ(refund(reserved, 60, kStart + 1us), before + 60 - drained);
}

TEST_P(RefundTest, GivesNothingBackWhenTheUnitsHaveLeftAnyway) {
  const Charge reserved = reserve(60, kStart);
  const TimePoint later = kStart + 40s;
  EXPECT_EQ(refund(reserved, 60, later), 100);
  EXPECT_EQ(take(100, later), 0);
  EXPECT_EQ(refund(reserved, 60, later + 1us), 0) << "those are others' units";
}

TEST_P(RefundTest, OfAnEmptyBucketIsNothing) {
  const Charge reserved{"k", &limit_, 5, Move::kRefund, {kStart, 1'000'000}};
  EXPECT_EQ(refund(reserved, 5, kStart), 100);
  EXPECT_TRUE(buckets_.decide({reserved}, kStart).changes.empty());
}

TEST_P(RefundTest, TopUpTakesWhatThereIsRoomForAndNeverDenies) {
  take(60, kStart);
  const auto top_up = [&](std::int64_t cost) {
    return buckets_.decide({{"k", &limit_, cost, Move::kTopUp}}, kStart).decision;
  };
  EXPECT_EQ(top_up(30).balances[0].remaining, 10);
  EXPECT_TRUE(top_up(1'000'000).allowed);
  EXPECT_EQ(remaining(kStart), 0);
  const auto full = top_up(1);
  EXPECT_TRUE(full.allowed);
  EXPECT_FALSE(full.lacks_room(0));
}

INSTANTIATE_TEST_SUITE_P(Algorithms, RefundTest,
                         testing::Values(Algorithm::kFixedWindow, Algorithm::kSlidingLog,
                                         Algorithm::kSlidingWindow, Algorithm::kTokenBucket,
                                         Algorithm::kLeakyBucket),
                         [](const auto& of) {
                           return std::string(to_name<Algorithm>(kAlgorithmNames, of.param));
                         });

using SlidingWindowRefundTest = RefundTest;
INSTANTIATE_TEST_SUITE_P(Only, SlidingWindowRefundTest, testing::Values(Algorithm::kSlidingWindow));
TEST_P(SlidingWindowRefundTest, FindsTheUnitsInTheWindowBefore) {
  const Charge reserved = reserve(60, kStart);
  take(10, kStart + 10s);
  EXPECT_EQ(remaining(kStart + 15s), 60) << "half of 60, and 10";
  EXPECT_EQ(refund(reserved, 40, kStart + 15s), 80) << "half of 20, and 10";
}

// A bucket that drains forgets its oldest units first. Were later units given back for those that
// have drained, a caller could have more at once than the burst.
using DrainingRefundTest = RefundTest;
INSTANTIATE_TEST_SUITE_P(Only, DrainingRefundTest,
                         testing::Values(Algorithm::kTokenBucket, Algorithm::kLeakyBucket));
TEST_P(DrainingRefundTest, GivesBackNoneOfTheUnitsThatHaveDrained) {
  const Charge reserved = reserve(60, kStart);
  take(40, kStart + 4s);  // 20 of the 60 are left, and these
  EXPECT_EQ(remaining(kStart + 4s), 40);
  EXPECT_EQ(refund(reserved, 60, kStart + 4s), 60);
}

TEST_P(DrainingRefundTest, GivesNothingBackTwiceWhenOlderUnitsWereGivenBackToo) {
  const Charge older = reserve(50, kStart);
  const Charge newer = reserve(50, kStart);
  EXPECT_EQ(refund(older, 50, kStart), 50);
  const TimePoint later = kStart + 6s;  // the other 50 have drained
  EXPECT_EQ(take(50, later), 50);
  EXPECT_EQ(refund(newer, 50, later), 50) << "what is in it came later";
}

class MarkTest : public testing::Test {
 protected:
  Decision charge(std::int64_t cost, const Mark& mark) {
    return buckets_.decide({{"k", &limit_, cost}}, kStart, {}, &mark).decision;
  }
  Limit limit_ = limit(10, 10);
  Buckets buckets_;
};

TEST_F(MarkTest, IsWrittenWithTheChargesOrNotAtAll) {
  EXPECT_FALSE(charge(11, {"m", "", "a", 60s}).allowed);
  EXPECT_FALSE(buckets_.mark_of("m"));
  EXPECT_TRUE(charge(4, {"m", "", "a", 60s}).allowed);
  EXPECT_TRUE(buckets_.mark_of("m"));
}

TEST_F(MarkTest, ThatIsNotAsExpectedDenies) {
  EXPECT_TRUE(charge(4, {"m", "", "a", 60s}).allowed);
  const auto bytes = buckets_.mark_of("m");
  for (const char* expected : {"", "a", "b"}) {
    const auto decision = charge(1, {"m", expected, "c", 60s});
    EXPECT_FALSE(decision.allowed);
    EXPECT_TRUE(decision.is_stale);
    EXPECT_FALSE(decision.lacks_room(0));
    EXPECT_EQ(buckets_.mark_of("m"), bytes);
  }
  EXPECT_EQ(buckets_.used("k"), 4);
  EXPECT_TRUE(charge(1, {"m", *bytes, "c", 60s}).allowed);
  EXPECT_FALSE(charge(1, {"other", *bytes, "c", 60s}).allowed);
}

TEST(ReceiptsTest, ReadBackAsTheyWereWrittenAndNothingElse) {
  const Receipts receipts{
      kStart,
      {{3, FixedWindow{3, kStart}}, {4, LogView{4, kStart, kStart}}, {5, Level{6, kStart}}}};
  const std::vector<Algorithm> algorithms{Algorithm::kFixedWindow, Algorithm::kSlidingLog,
                                          Algorithm::kTokenBucket};
  std::string bytes;
  append(bytes, receipts);
  EXPECT_EQ(decode_receipts(bytes, algorithms), receipts);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(decode_receipts(std::string_view(bytes).substr(0, size), algorithms)) << size;
  }
  EXPECT_FALSE(decode_receipts(bytes + "x", algorithms));
}

}  // namespace
}  // namespace sluice::limits
