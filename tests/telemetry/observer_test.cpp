#include "telemetry/observer.h"

#include <fstream>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/unique_fd.h"
#include "manual_clock.h"
#include "region_memory.h"
#include "temporary_directory.h"

namespace sluice::telemetry {
namespace {

using limits::Balance;
using limits::BarredBy;
using limits::Decision;
using limits::Source;
using testing::HasSubstr;

class ObserverTest : public testing::Test {
 protected:
  // The answered request of these decisions.
  void see(std::initializer_list<Decision> decisions, std::int64_t cost = 1) {
    Observation seen(observer_, denials_);
    seen.matched("chat");
    for (const Decision& decision : decisions) {
      seen.deciding();
      seen.decided(decision, identity_, cost);
    }
    seen.answered();
  }
  [[nodiscard]] std::uint64_t count(Outcome outcome) {
    Counters& counters = observer_.counters();
    return counters.sum(Counters::of_route(counters.routes().number({"chat"}), outcome));
  }
  [[nodiscard]] std::uint64_t count(Total total) {
    return observer_.counters().sum(Counters::of(total));
  }
  [[nodiscard]] std::uint64_t count(std::string_view limit, LimitEvent event) {
    Counters& counters = observer_.counters();
    return counters.sum(Counters::of_limit(counters.limits().number({limit}), event));
  }
  [[nodiscard]] std::uint64_t denials(std::string_view tenant) {
    Counters& counters = observer_.counters();
    return counters.sum(Counters::of_tenant(counters.tenants().number({tenant})));
  }

  limits::Limit limit_{.name = "chat", .rate = {10, {1, limits::Unit::kSecond}}};
  Decision allowed_{.source = Source::kRedis, .limits = {&limit_}, .balances = {{.remaining = 9}}};
  Decision denied_{
      .allowed = false, .source = Source::kRedis, .limits = {&limit_}, .balances = {{}}};
  identity::Identity identity_;
  CounterMemory memory_;
  const DenialLog::Options denials_ = {};
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

TEST_F(ObserverTest, UnitsOfAShadowLimitCountWhereItHasRoomForThem) {
  const Balance full{.retry_after = std::chrono::seconds(1)};
  const Balance room{.remaining = 9};
  limits::Limit trial = limit_;
  trial.mode = limits::Mode::kShadow;
  const auto see_trial = [&](std::vector<const limits::Limit*> limits,
                             std::vector<Balance> balances) {
    see({Decision{.source = Source::kRedis,
                  .limits = std::move(limits),
                  .balances = std::move(balances)}},
        3);
    return count(Total::kUnits);
  };
  EXPECT_EQ(see_trial({&trial}, {full}), 0U);
  EXPECT_EQ(see_trial({&trial, &trial}, {full, full}), 0U);
  EXPECT_EQ(see_trial({&trial}, {room}), 3U);
  EXPECT_EQ(see_trial({&trial, &trial}, {full, room}), 6U);
  EXPECT_EQ(see_trial({&limit_, &trial}, {room, full}), 9U);
  EXPECT_EQ(count(Outcome::kAllowed), 5U);
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
    Observation seen(observer_, denials_);
    seen.matched("chat");
    seen.decided(allowed_, identity_, 2);
  }
  EXPECT_EQ(count(Outcome::kUnfinished), 1U);
  EXPECT_EQ(count(Outcome::kAllowed), 0U);
  EXPECT_EQ(count(Total::kUnits), 2U) << "they are gone";
}

TEST_F(ObserverTest, EachLimitThatHasNoRoomIsCounted) {
  const Balance full{.remaining = 0, .retry_after = std::chrono::seconds(1)};
  limits::Limit other = limit_;
  other.name = "day";
  other.plan = "free";
  limits::Limit trial = limit_;
  trial.mode = limits::Mode::kShadow;
  trial.tenant = "acme";
  see({Decision{.allowed = false,
                .source = Source::kRedis,
                .limits = {&limit_, &other, &trial},
                .balances = {full, full, full}}});
  see({Decision{.allowed = true,
                .source = Source::kRedis,
                .limits = {&limit_, &trial},
                .balances = {{.remaining = 9}, full}}});
  EXPECT_EQ(count("chat defaults", LimitEvent::kDenied), 1U);
  EXPECT_EQ(count("day plan:free", LimitEvent::kDenied), 1U);
  EXPECT_EQ(count("chat tenants", LimitEvent::kShadowDenied), 2U);
  EXPECT_EQ(count("chat tenants", LimitEvent::kDenied), 0U);
  EXPECT_EQ(count("chat defaults", LimitEvent::kNear), 0U);
}

TEST_F(ObserverTest, AFifthOfTheQuotaOrLessIsNear) {
  const auto after = [&](std::int64_t remaining, std::int64_t cost = 1) {
    allowed_.balances[0].remaining = remaining;
    see({allowed_}, cost);
    return count("chat defaults", LimitEvent::kNear);
  };
  EXPECT_EQ(after(3), 0U);
  EXPECT_EQ(after(2), 1U);
  EXPECT_EQ(after(0), 2U);
  EXPECT_EQ(after(0, 0), 2U) << "nothing was charged";
  limit_.burst = 20;
  EXPECT_EQ(after(5), 2U);
  EXPECT_EQ(after(4), 3U);
}

TEST_F(ObserverTest, DenialsAreOfTheTenantThatIsProved) {
  identity_.tenant = "acme";
  see({denied_});
  EXPECT_EQ(denials("acme"), 0U);
  identity_.standing = Standing::kKnown;
  see({denied_});
  identity_.standing = Standing::kPartial;
  identity_.session.emplace();
  see({denied_});
  see({allowed_});
  EXPECT_EQ(denials("acme"), 2U);
}

TEST_F(ObserverTest, EachDecisionHasItsDuration) {
  see({allowed_, denied_});
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i <= kDurationBounds.size(); ++i) {
    sum += observer_.counters().sum(Counters::of_duration(Timed::kDecision, i));
  }
  EXPECT_EQ(sum, 2U);
}

TEST_F(ObserverTest, AWorkerWithoutASlotSaysSoOnce) {
  const TemporaryDirectory directory;
  const std::string path = directory.path() + "/log";
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT, 0600));
  ManualClock clock;
  Log log(file.get(), clock, {});
  auto* const words = reinterpret_cast<std::uint64_t*>(std::span<std::byte>(memory_).data());
  constexpr std::size_t kHead = 9344;  // words, as are those of a slot
  constexpr std::size_t kSlot = 1216;
  for (std::size_t i = 1; i < Counters::kSlots; ++i) words[kHead + i * kSlot] = words[kHead];
  Observer late(memory_, &log);
  for (int i = 0; i < 2; ++i) {
    Observation seen(late, denials_);
    seen.answered();
  }
  std::ifstream lines(path);
  std::string line;
  ASSERT_TRUE(std::getline(lines, line));
  EXPECT_THAT(line, HasSubstr("\"event\":\"requests are counted by this worker alone\""));
  EXPECT_FALSE(std::getline(lines, line));
  EXPECT_EQ(observer_.counters().sum(Counters::of_route(Names::kOther, Outcome::kAllowed)), 0U);
  EXPECT_EQ(late.counters().sum(Counters::of_route(Names::kOther, Outcome::kAllowed)), 2U);
}

}  // namespace
}  // namespace sluice::telemetry
