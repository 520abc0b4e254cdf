#include "limits/algorithm.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace sluice::limits {
namespace {

using std::chrono::microseconds;
using std::chrono::seconds;

constexpr TimePoint kStart{seconds(1'800'000'000)};

Limit eight_per_ten_seconds() {
  return {.name = "chat", .tenant = "acme", .rate = {8, {10, Unit::kSecond}}};
}

struct Row {
  const char* what;
  microseconds at;
  std::int64_t cost;
  bool fits;
  Balance balance;
};

TEST(FixedWindowTest, FollowsTheTable) {
  const Limit limit = eight_per_ten_seconds();
  const std::vector<Row> rows{
      {"a peek at nothing", seconds(0), 0, true, {8, seconds(0), seconds(0)}},
      {"the first unit opens the window", seconds(1), 1, true, {7, seconds(10), seconds(0)}},
      {"later units do not move it", seconds(4), 6, true, {1, seconds(7), seconds(0)}},
      {"a cost that does not fit waits for the reset",
       seconds(4),
       2,
       false,
       {1, seconds(7), seconds(7)}},
      {"a smaller one still fits", seconds(5), 1, true, {0, seconds(6), seconds(0)}},
      {"the ninth is denied", seconds(5), 1, false, {0, seconds(6), seconds(6)}},
      {"a microsecond before the reset too",
       seconds(11) - microseconds(1),
       1,
       false,
       {0, microseconds(1), microseconds(1)}},
      {"at the reset the quota is back", seconds(11), 0, true, {8, seconds(0), seconds(0)}},
      {"and the next unit opens a new window", seconds(12), 8, true, {0, seconds(10), seconds(0)}},
      {"a cost above the quota never passes", seconds(30), 9, false, {8, seconds(0), kNever}},
  };
  std::optional<FixedWindow> state;
  for (const Row& row : rows) {
    const Step step = fixed_window(state, limit, row.cost, kStart + row.at);
    EXPECT_EQ(step.fits, row.fits) << row.what;
    EXPECT_EQ(step.balance, row.balance) << row.what;
    state = step.state;
  }
}

TEST(FixedWindowTest, AQuotaOfZeroDeniesEverythingForEver) {
  Limit limit = eight_per_ten_seconds();
  limit.rate.quota = 0;
  const Step step = fixed_window(std::nullopt, limit, 1, kStart);
  EXPECT_FALSE(step.fits);
  EXPECT_EQ(step.balance, (Balance{0, seconds(0), kNever}));
}

TEST(FixedWindowTest, ALowerQuotaLeavesNothingAndARaisedOneLeavesTheDifference) {
  Limit limit = eight_per_ten_seconds();
  const auto state = fixed_window(std::nullopt, limit, 8, kStart).state;
  limit.rate.quota = 4;
  EXPECT_EQ(fixed_window(state, limit, 0, kStart).balance.remaining, 0);
  EXPECT_FALSE(fixed_window(state, limit, 1, kStart).fits);
  limit.rate.quota = 12;
  EXPECT_EQ(fixed_window(state, limit, 0, kStart).balance.remaining, 4);
}

TEST(FixedWindowTest, AClockSetBackMakesNobodyWaitForIt) {
  const Limit limit = eight_per_ten_seconds();
  const auto state = fixed_window(std::nullopt, limit, 8, kStart).state;
  const TimePoint back = kStart - std::chrono::hours(1);
  const Step step = fixed_window(state, limit, 8, back);
  EXPECT_TRUE(step.fits);
  EXPECT_FALSE(fixed_window(step.state, limit, 1, back).fits);
}

TEST(FixedWindowTest, AChangedWindowAppliesToTheOneThatIsOpen) {
  Limit limit = eight_per_ten_seconds();
  const auto state = fixed_window(std::nullopt, limit, 8, kStart).state;
  limit.rate.window = {1, Unit::kMinute};
  EXPECT_EQ(fixed_window(state, limit, 1, kStart + seconds(4)).balance.retry_after, seconds(56));
  limit.rate.window = {3, Unit::kSecond};
  EXPECT_TRUE(fixed_window(state, limit, 1, kStart + seconds(4)).fits);
}

// A timeline of charges: the time since the last one, and the cost.
using Timeline = std::vector<std::pair<std::uint16_t, std::uint8_t>>;

RC_GTEST_PROP(FixedWindowPropertyTest, NoWindowAdmitsMoreThanItsQuota, (const Timeline& timeline)) {
  const Limit limit = eight_per_ten_seconds();
  std::optional<FixedWindow> state;
  TimePoint now = kStart;
  TimePoint window_end = kStart;
  std::int64_t admitted = 0;
  for (const auto& [milliseconds, cost_seed] : timeline) {
    now += std::chrono::milliseconds(milliseconds % 4000);
    const std::int64_t cost = cost_seed % 10;
    const Step step = fixed_window(state, limit, cost, now);
    state = step.state;
    if (!step.fits || cost == 0) continue;
    if (now >= window_end) {
      window_end = now + limit.window();
      admitted = 0;
    }
    admitted += cost;
    RC_ASSERT(admitted <= limit.quota());
  }
}

RC_GTEST_PROP(FixedWindowPropertyTest, WaitingRetryAfterIsEnoughAndAMicrosecondLessIsNot,
              (const Timeline& timeline)) {
  const Limit limit = eight_per_ten_seconds();
  std::optional<FixedWindow> state;
  TimePoint now = kStart;
  for (const auto& [milliseconds, cost_seed] : timeline) {
    now += std::chrono::milliseconds(milliseconds % 4000);
    const std::int64_t cost = 1 + cost_seed % 8;
    const Step step = fixed_window(state, limit, cost, now);
    if (!step.fits) {
      RC_ASSERT(step.state == state);
      const TimePoint ready = now + step.balance.retry_after;
      RC_ASSERT(fixed_window(state, limit, cost, ready).fits);
      RC_ASSERT(!fixed_window(state, limit, cost, ready - microseconds(1)).fits);
    }
    state = step.state;
  }
}

}  // namespace
}  // namespace sluice::limits
