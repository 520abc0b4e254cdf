// What every BucketStore must do. One suite, run over each of them; time is an argument.
#include <map>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "conformance/store_under_test.h"

namespace sluice {
namespace {

using limits::Balance;
using limits::Charge;
using limits::Decision;
using limits::Limit;
using limits::Unit;
using std::chrono::microseconds;
using std::chrono::seconds;

constexpr TimePoint kStart{seconds(1'800'000'000) + microseconds(123'457)};

Limit limit(std::int64_t quota, std::int64_t window_seconds) {
  return {.name = "chat", .tenant = "acme", .rate = {quota, {window_seconds, Unit::kSecond}}};
}

class BucketStoreTest : public testing::TestWithParam<std::string> {
 protected:
  std::unique_ptr<StoreUnderTest> store_ = make_store_under_test(GetParam());
};

TEST_P(BucketStoreTest, AdmitsTheQuotaAndNotOneMore) {
  const Limit eight = limit(8, 10);
  for (std::int64_t i = 1; i <= 8; ++i) {
    const Decision decision = store_->take({{"k", &eight, 1}}, kStart + seconds(i));
    EXPECT_TRUE(decision.allowed);
    EXPECT_EQ(decision.balances[0].remaining, 8 - i);
    EXPECT_EQ(decision.balances[0].reset_after, seconds(11 - i));
    EXPECT_EQ(decision.at, kStart + seconds(i));
  }
  const Decision ninth = store_->take({{"k", &eight, 1}}, kStart + seconds(9));
  EXPECT_FALSE(ninth.allowed);
  EXPECT_EQ(ninth.balances[0], (Balance{0, seconds(2), seconds(2), seconds(2)}));
  EXPECT_EQ(ninth.limits[0], &eight);
}

TEST_P(BucketStoreTest, OpensANewWindowExactlyAtTheReset) {
  const Limit one = limit(1, 10);
  EXPECT_TRUE(store_->take({{"k", &one, 1}}, kStart).allowed);
  EXPECT_FALSE(store_->take({{"k", &one, 1}}, kStart + seconds(10) - microseconds(1)).allowed);
  EXPECT_TRUE(store_->take({{"k", &one, 1}}, kStart + seconds(10)).allowed);
}

TEST_P(BucketStoreTest, ChargesAllOrNone) {
  const Limit wide = limit(10, 60);
  const Limit narrow = limit(1, 10);
  const std::vector<Charge> both{{"wide", &wide, 1}, {"narrow", &narrow, 1}};
  EXPECT_TRUE(store_->take(both, kStart).allowed);
  const std::string before = store_->contents();
  const Decision denied = store_->take(both, kStart + seconds(1));
  EXPECT_FALSE(denied.allowed);
  EXPECT_FALSE(denied.denied_by(0));
  EXPECT_TRUE(denied.denied_by(1));
  EXPECT_EQ(denied.balances[0], (Balance{9, seconds(59), seconds(0), seconds(59)}));
  EXPECT_EQ(denied.balances[1], (Balance{0, seconds(9), seconds(9), seconds(9)}));
  EXPECT_EQ(store_->contents(), before) << "a denial changed something";
}

TEST_P(BucketStoreTest, ADenialChangesNothingWhateverTheAlgorithm) {
  for (const auto& [name, algorithm] : limits::kAlgorithmNames) {
    Limit wide = limit(10, 60);
    Limit narrow = limit(1, 10);
    wide.algorithm = narrow.algorithm = algorithm;
    const std::string key(name);
    const std::vector<Charge> both{{key + "-wide", &wide, 1}, {key + "-narrow", &narrow, 1}};
    EXPECT_TRUE(store_->take(both, kStart).allowed) << name;
    const std::string before = store_->contents();
    EXPECT_FALSE(store_->take(both, kStart + seconds(1)).allowed) << name;
    EXPECT_EQ(store_->contents(), before) << name;
  }
}

TEST_P(BucketStoreTest, APeekChangesNothing) {
  const Limit eight = limit(8, 10);
  EXPECT_EQ(store_->take({{"k", &eight, 0}}, kStart).balances[0],
            (Balance{8, seconds(0), seconds(0)}));
  static_cast<void>(store_->take({{"k", &eight, 3}}, kStart));
  const std::string before = store_->contents();
  EXPECT_EQ(store_->take({{"k", &eight, 0}}, kStart + seconds(4)).balances[0],
            (Balance{5, seconds(6), seconds(0), seconds(6)}));
  EXPECT_EQ(store_->contents(), before);
}

TEST_P(BucketStoreTest, ACostAboveTheQuotaNeverPassesAndTouchesNothing) {
  const Limit eight = limit(8, 10);
  const std::string before = store_->contents();
  const Decision decision = store_->take({{"k", &eight, 9}}, kStart);
  EXPECT_FALSE(decision.allowed);
  EXPECT_EQ(decision.balances[0], (Balance{8, seconds(0), limits::kNever}));
  EXPECT_EQ(store_->contents(), before);
}

TEST_P(BucketStoreTest, KeysAreIndependent) {
  const Limit one = limit(1, 10);
  EXPECT_TRUE(store_->take({{"a", &one, 1}}, kStart).allowed);
  EXPECT_TRUE(store_->take({{"b", &one, 1}}, kStart).allowed);
  EXPECT_FALSE(store_->take({{"a", &one, 1}}, kStart).allowed);
}

TEST_P(BucketStoreTest, AChangedQuotaAppliesAtOnceAndRemainingIsNeverNegative) {
  const Limit eight = limit(8, 10);
  const Limit four = limit(4, 10);
  const Limit twelve = limit(12, 10);
  static_cast<void>(store_->take({{"k", &eight, 8}}, kStart));
  EXPECT_EQ(store_->take({{"k", &four, 1}}, kStart).balances[0].remaining, 0);
  EXPECT_EQ(store_->take({{"k", &twelve, 1}}, kStart).balances[0].remaining, 3);
}

TEST_P(BucketStoreTest, AClockSetBackMakesNobodyWaitForIt) {
  const Limit one = limit(1, 10);
  const TimePoint back = kStart - std::chrono::hours(1);
  EXPECT_TRUE(store_->take({{"k", &one, 1}}, kStart).allowed);
  EXPECT_TRUE(store_->take({{"k", &one, 1}}, back).allowed);
  EXPECT_FALSE(store_->take({{"k", &one, 1}}, back + seconds(9)).allowed);
  EXPECT_TRUE(store_->take({{"k", &one, 1}}, back + seconds(10)).allowed);
}

TEST_P(BucketStoreTest, AShorterWindowFreesWhatTheLongerOneHeld) {
  const Limit day = limit(1, 86'400);
  const Limit ten_seconds = limit(1, 10);
  EXPECT_TRUE(store_->take({{"k", &day, 1}}, kStart).allowed);
  EXPECT_FALSE(store_->take({{"k", &ten_seconds, 1}}, kStart + seconds(9)).allowed);
  EXPECT_TRUE(store_->take({{"k", &ten_seconds, 1}}, kStart + seconds(10)).allowed);
}

TEST_P(BucketStoreTest, ALongerWindowHoldsOn) {
  const Limit ten_seconds = limit(2, 10);
  const Limit day = limit(2, 86'400);
  EXPECT_TRUE(store_->take({{"k", &ten_seconds, 1}}, kStart).allowed);
  EXPECT_EQ(store_->take({{"k", &day, 1}}, kStart + seconds(9)).balances[0],
            (Balance{0, seconds(86'391), seconds(0), seconds(86'391)}));
  EXPECT_FALSE(store_->take({{"k", &day, 1}}, kStart + seconds(20)).allowed);
}

TEST_P(BucketStoreTest, NoChargesAskOnlyWhetherTheStoreWorks) {
  const Decision decision = store_->take({}, kStart);
  EXPECT_TRUE(decision.allowed);
  EXPECT_TRUE(decision.balances.empty());
}

TEST_P(BucketStoreTest, ADecisionSaysWhoMadeIt) {
  const std::map<std::string, limits::Source> sources{{"memory", limits::Source::kMemory},
                                                      {"redis", limits::Source::kRedis},
                                                      {"shm", limits::Source::kSharedMemory}};
  const Limit one = limit(1, 10);
  EXPECT_EQ(store_->take({{"k", &one, 1}}, kStart).source, sources.at(GetParam()));
  EXPECT_EQ(store_->take({{"k", &one, 1}}, kStart).source, sources.at(GetParam()))
      << "a denial too";
}

TEST_P(BucketStoreTest, TheLargestFiguresStayExact) {
  const Limit largest{
      .name = "chat", .tenant = "acme", .rate = {limits::kMaxQuota, {366, Unit::kDay}}};
  const TimePoint far{std::chrono::hours(24 * 365 * 200)};
  const Duration year = std::chrono::days(366);
  const Decision decision = store_->take({{"k", &largest, limits::kMaxQuota - 1}}, far);
  EXPECT_EQ(decision.balances[0], (Balance{1, year, seconds(0), year}));
  EXPECT_EQ(store_->take({{"k", &largest, 2}}, far + microseconds(1)).balances[0],
            (Balance{1, year - microseconds(1), year - microseconds(1), year - microseconds(1)}));
}

TEST_P(BucketStoreTest, AResetGivesTheFullQuotaBack) {
  const Limit one = limit(1, 10);
  EXPECT_TRUE(store_->take({{"a", &one, 1}, {"b", &one, 1}}, kStart).allowed);
  EXPECT_EQ(store_->reset({"a", "never used"}), 1);
  EXPECT_TRUE(store_->take({{"a", &one, 1}}, kStart).allowed);
  EXPECT_FALSE(store_->take({{"b", &one, 1}}, kStart).allowed);
}

TEST_P(BucketStoreTest, DecisionsOfOneTurnAreTakenInTheirOrder) {
  const Limit two = limit(2, 10);
  const std::vector<Asked> turn(3, Asked({{"k", &two, 1}}));
  const auto decisions = store_->take_all(turn, kStart);
  EXPECT_EQ(decisions[0].balances[0].remaining, 1);
  EXPECT_TRUE(decisions[1].allowed);
  EXPECT_FALSE(decisions[2].allowed);
}

TEST_P(BucketStoreTest, WhileABarStandsNothingIsCharged) {
  const Limit two = limit(2, 10);
  const std::vector<Charge> charges{{"k", &two, 1}};
  EXPECT_TRUE(store_->take({}, kStart, {{"locked", seconds(30)}}).allowed);
  const std::string before = store_->contents();
  for (const std::vector<limits::Bar>& bars :
       {std::vector<limits::Bar>{{"locked"}}, {{"ended"}, {"locked"}}, {{"locked", seconds(90)}}}) {
    const Decision barred = store_->take(charges, kStart + seconds(10), bars);
    EXPECT_FALSE(barred.allowed);
    EXPECT_EQ(barred.bars.at(bars.size() - 1), seconds(20));
    EXPECT_EQ(barred.balances[0].remaining, 2);
    EXPECT_FALSE(barred.lacks_room(0));
  }
  EXPECT_EQ(store_->contents(), before) << "and it is made no longer";
  EXPECT_TRUE(store_->take(charges, kStart + seconds(10), {{"ended"}}).allowed);
  EXPECT_FALSE(store_->take(charges, kStart + seconds(30) - microseconds(1), {{"locked"}}).allowed);
  EXPECT_TRUE(store_->take(charges, kStart + seconds(30), {{"locked"}}).allowed);
}

TEST_P(BucketStoreTest, ABarIsSetUpWithTheChargesOrNotAtAll) {
  const Limit one = limit(1, 10);
  const std::vector<Charge> charges{{"k", &one, 1}};
  EXPECT_TRUE(store_->take(charges, kStart, {{"a", seconds(5)}, {"b"}}).allowed);
  EXPECT_FALSE(store_->take(charges, kStart + seconds(6), {{"a"}, {"b", seconds(5)}}).allowed);
  EXPECT_FALSE(store_->take({}, kStart + seconds(6), {{"b"}}).is_barred());
  EXPECT_FALSE(store_->take({}, kStart + seconds(4), {{"a"}}).allowed);
  EXPECT_EQ(store_->reset({"a", "b"}), 1);
  EXPECT_TRUE(store_->take({}, kStart + seconds(4), {{"a"}}).allowed);
}

TEST_P(BucketStoreTest, ABarCountsForTheNextDecisionOfItsTurn) {
  const Limit two = limit(2, 10);
  const auto decisions =
      store_->take_all({Asked({{"k", &two, 1}}, {{"locked"}}), Asked({}, {{"locked", seconds(5)}}),
                        Asked({{"k", &two, 1}}, {{"locked"}}), Asked({{"k", &two, 1}})},
                       kStart);
  EXPECT_TRUE(decisions[0].allowed);
  EXPECT_TRUE(decisions[1].allowed);
  EXPECT_FALSE(decisions[2].allowed);
  EXPECT_EQ(decisions[2].bars[0], seconds(5));
  EXPECT_EQ(decisions[2].balances[0].remaining, 1);
  EXPECT_TRUE(decisions[3].allowed) << "who does not ask is not barred";
}

TEST_P(BucketStoreTest, AShadowLimitNeverDeniesAndIsChargedWhereTheCostFits) {
  Limit shadow = limit(1, 10);
  shadow.mode = limits::Mode::kShadow;
  const Limit two = limit(2, 10);
  const std::vector<Charge> both{{"s", &shadow, 1}, {"e", &two, 1}};
  EXPECT_FALSE(store_->take(both, kStart).lacks_room(0));
  const Decision second = store_->take(both, kStart);
  EXPECT_TRUE(second.allowed);
  EXPECT_TRUE(second.lacks_room(0));
  EXPECT_EQ(second.balances[0].remaining, 0);
  const std::string before = store_->contents();
  EXPECT_FALSE(store_->take(both, kStart).allowed);
  EXPECT_EQ(store_->contents(), before);
}

TEST_P(BucketStoreTest, ACalendarQuotaIsForOneDayOfItsTimeZone) {
  Limit daily{.name = "daily", .rate = {1, {1, Unit::kDay}}};
  daily.alignment = limits::Alignment::kCalendar;
  daily.time_zone = "Europe/Berlin";
  const TimePoint evening{seconds(1'800'053'999)};  // 23:59:59 on 2027-01-15 in Berlin
  EXPECT_EQ(store_->take({{"k", &daily, 1}}, evening).balances[0].reset_after, seconds(1));
  EXPECT_FALSE(store_->take({{"k", &daily, 1}}, evening).allowed);
  EXPECT_TRUE(store_->take({{"k", &daily, 1}}, evening + seconds(1)).allowed);
}

TEST_P(BucketStoreTest, WithoutATimeTheStoreTakesItsOwn) {
  const Limit eight = limit(8, 10);
  const Decision decision = store_->take({{"k", &eight, 1}}, std::nullopt);
  EXPECT_TRUE(decision.allowed);
  EXPECT_EQ(decision.balances[0], (Balance{7, seconds(10), seconds(0), seconds(10)}));
}

INSTANTIATE_TEST_SUITE_P(Stores, BucketStoreTest, testing::ValuesIn(kStoreNames),
                         [](const auto& name) { return name.param; });

}  // namespace
}  // namespace sluice
