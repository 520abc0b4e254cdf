#include "telemetry/observer.h"

#include <fstream>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/unique_fd.h"
#include "manual_clock.h"
#include "region_memory.h"
#include "temporary_directory.h"

namespace sluice::telemetry {
namespace {

using limits::BarredBy;
using limits::Decision;
using limits::Source;
using testing::HasSubstr;

constexpr std::size_t kRoute = 6;

class ObserverTest : public testing::Test {
 protected:
  // The answered request of these decisions.
  void see(std::initializer_list<Decision> decisions, std::int64_t cost = 1) {
    Observation seen(observer_);
    seen.matched(kRoute);
    for (const Decision& decision : decisions) seen.decided(decision, cost);
    seen.answered();
  }
  [[nodiscard]] std::uint64_t count(Outcome outcome) const {
    return observer_.counters().sum(kRoute, outcome);
  }
  [[nodiscard]] std::uint64_t count(Total total) const { return observer_.counters().sum(total); }

  limits::Limit limit_{.name = "chat", .rate = {10, {1, limits::Unit::kSecond}}};
  Decision allowed_{.source = Source::kRedis, .limits = {&limit_}, .balances = {{}}};
  Decision denied_{
      .allowed = false, .source = Source::kRedis, .limits = {&limit_}, .balances = {{}}};
  CounterMemory memory_;
  Observer observer_{memory_, nullptr};
};

TEST_F(ObserverTest, UnitsAreThoseThatWereCharged) {
  see({allowed_}, 3);
  see({allowed_}, 0);
  see({denied_}, 3);
  see({Decision{}}, 3);
  EXPECT_EQ(count(Outcome::kAllowed), 3U);
  EXPECT_EQ(count(Outcome::kDenied), 1U);
  EXPECT_EQ(count(Total::kUnits), 3U);
}

TEST_F(ObserverTest, WithoutAStoreTheOutcomeIsWhatOnStoreErrorSays) {
  Decision decision = allowed_;
  decision.source = Source::kOnStoreError;
  decision.balances.clear();
  see({decision});
  decision.allowed = false;
  see({decision});
  EXPECT_EQ(count(Outcome::kAllowed), 1U);
  EXPECT_EQ(count(Outcome::kFailed), 1U);
  EXPECT_EQ(count(Outcome::kDenied), 0U);
  EXPECT_EQ(count(Total::kOnStoreError), 2U);
  EXPECT_EQ(count(Total::kUnits), 0U);
}

TEST_F(ObserverTest, OfSeveralDecisionsTheLastIsTheOutcome) {
  denied_.barred_by = BarredBy::kEndedSession;
  see({denied_, allowed_});
  EXPECT_EQ(count(Outcome::kAllowed), 1U);
  EXPECT_EQ(count(Outcome::kDenied), 0U);
  EXPECT_EQ(count(Total::kBarred), 1U);
}

TEST_F(ObserverTest, ABarThatDeniesNothingIsNotCounted) {
  allowed_.barred_by = BarredBy::kLockOut;
  see({allowed_}, 0);
  EXPECT_EQ(count(Total::kBarred), 0U);
  denied_.barred_by = BarredBy::kLockOut;
  see({denied_});
  EXPECT_EQ(count(Total::kBarred), 1U);
}

TEST_F(ObserverTest, NewcomersWhoShareABucketAreCounted) {
  allowed_.crowded = denied_.crowded = true;
  see({allowed_});
  see({denied_});
  EXPECT_EQ(count(Total::kCrowded), 2U);
}

TEST_F(ObserverTest, ARequestThatIsDroppedIsUnanswered) {
  {
    Observation seen(observer_);
    seen.matched(kRoute);
    seen.decided(allowed_, 2);
  }
  EXPECT_EQ(count(Outcome::kUnfinished), 1U);
  EXPECT_EQ(count(Outcome::kAllowed), 0U);
  EXPECT_EQ(count(Total::kUnits), 2U) << "they are gone";
}

TEST_F(ObserverTest, AWorkerWithoutASlotSaysSoOnce) {
  const TemporaryDirectory directory;
  const std::string path = directory.path() + "/log";
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT, 0600));
  ManualClock clock;
  Log log(file.get(), clock, {});
  auto* const words = reinterpret_cast<std::uint64_t*>(std::span<std::byte>(memory_).data());
  const std::size_t slot_words = Counters::kBytes / Counters::kSlots / 8;
  for (std::size_t slot = 1; slot < Counters::kSlots; ++slot) words[slot * slot_words] = words[0];
  Observer late(memory_, &log);
  for (int i = 0; i < 2; ++i) {
    Observation seen(late);
    seen.answered();
  }
  std::ifstream lines(path);
  std::string line;
  ASSERT_TRUE(std::getline(lines, line));
  EXPECT_THAT(line, HasSubstr("\"event\":\"requests are counted by this worker alone\""));
  EXPECT_FALSE(std::getline(lines, line));
  EXPECT_EQ(observer_.counters().sum(Counters::kOtherRoutes, Outcome::kAllowed), 0U);
  EXPECT_EQ(late.counters().sum(Counters::kOtherRoutes, Outcome::kAllowed), 2U);
}

}  // namespace
}  // namespace sluice::telemetry
