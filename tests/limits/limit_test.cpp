#include "limits/limit.h"

#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace sluice::limits {
namespace {

using namespace std::chrono_literals;
using std::chrono::days;

__extension__ typedef __int128 Wide;  // NOLINT(modernize-use-using)

Limit limit(Algorithm algorithm, std::int64_t quota, Window window, std::int64_t burst = 0) {
  return {.name = "chat", .rate = {quota, window}, .burst = burst, .algorithm = algorithm};
}

TEST(LimitTermsTest, AreWhatTheArithmeticTakes) {
  struct Row {
    const char* what;
    Limit limit;
    std::int64_t capacity;
    Duration tick;
  };
  constexpr Window kTen{10, Unit::kSecond};
  constexpr Window kLongest{366, Unit::kDay};
  const std::vector<Row> rows{
      {"a fixed window has no burst", limit(Algorithm::kFixedWindow, 8, kTen, 20), 8, 1us},
      {"nor has a log", limit(Algorithm::kSlidingLog, 8, kTen, 20), 8, 1us},
      {"nor a sliding window", limit(Algorithm::kSlidingWindow, 8, kTen, 20), 8, 1us},
      {"a bucket has", limit(Algorithm::kTokenBucket, 8, kTen, 20), 20, 1us},
      {"below its quota too", limit(Algorithm::kLeakyBucket, 8, kTen, 1), 1, 1us},
      {"or its quota", limit(Algorithm::kLeakyBucket, 8, kTen), 8, 1us},
      {"nothing passes a quota of 0", limit(Algorithm::kTokenBucket, 0, kTen, 20), 0, 1us},
      {"whole units need no tick", limit(Algorithm::kFixedWindow, kMaxQuota, kLongest), kMaxQuota,
       1us},
      {"1e9 * 31622400 s / 10 s are 3.2e15", limit(Algorithm::kSlidingWindow, kMaxQuota, kLongest),
       kMaxQuota, 10s},
      {"the burst counts", limit(Algorithm::kTokenBucket, 20, {1, Unit::kDay}, 60'000), 60'000,
       10us},
      {"not the quota", limit(Algorithm::kTokenBucket, 60'000, {1, Unit::kDay}, 1), 1, 1us},
      {"52124 days of microseconds are just below 2^52",
       limit(Algorithm::kTokenBucket, 52'124, {1, Unit::kDay}), 52'124, 1us},
      {"52125 are above", limit(Algorithm::kTokenBucket, 52'125, {1, Unit::kDay}), 52'125, 10us},
  };
  for (const Row& row : rows) {
    const Terms terms = row.limit.terms();
    EXPECT_EQ(terms.algorithm, row.limit.algorithm) << row.what;
    EXPECT_EQ(terms.alignment, Alignment::kFirstHit) << row.what;
    EXPECT_EQ(terms.quota, row.limit.rate.quota) << row.what;
    EXPECT_EQ(terms.capacity, row.capacity) << row.what;
    EXPECT_EQ(terms.window, row.limit.rate.window.length()) << row.what;
    EXPECT_EQ(terms.tick.count(), row.tick.count()) << row.what;
    EXPECT_EQ(row.limit.complaint(), std::nullopt) << row.what;
  }
}

TEST(LimitTermsTest, OfAFixedWindowAloneAreAligned) {
  for (const auto& [name, algorithm] : kAlgorithmNames) {
    Limit daily = limit(algorithm, 8, {1, Unit::kDay});
    daily.alignment = Alignment::kCalendar;
    EXPECT_EQ(daily.terms().alignment,
              algorithm == Algorithm::kFixedWindow ? Alignment::kCalendar : Alignment::kFirstHit)
        << name;
  }
}

TEST(LimitTermsTest, AreThoseOfTheRateAloneAndNotOfPolicies) {
  Limit one = limit(Algorithm::kSlidingLog, 8, {60, Unit::kSecond});
  Limit other = limit(Algorithm::kSlidingLog, 8, {1, Unit::kMinute});
  other.name = "other";
  other.mode = Mode::kShadow;
  other.on_change = OnChange::kReset;
  other.on_store_error = OnStoreError::kAllow;
  EXPECT_EQ(one.terms(), other.terms());
}

// The least power of ten for which capacity * window / tick does not exceed 2^52.
RC_GTEST_PROP(LimitTermsPropertyTest, TheTickIsTheLeastThatKeepsProductsExact, ()) {
  const auto number = [](std::int64_t most) {
    return *rc::gen::inRange<std::int64_t>(1, most + 1);
  };
  const bool large = *rc::gen::arbitrary<bool>();
  Limit l = limit(*rc::gen::element(Algorithm::kSlidingWindow, Algorithm::kTokenBucket,
                                    Algorithm::kLeakyBucket),
                  number(large ? kMaxQuota : 1000), {number(366), Unit::kDay});
  if (*rc::gen::arbitrary<bool>()) l.rate.window = {number(31'622'400'000), Unit::kMillisecond};
  if (*rc::gen::arbitrary<bool>()) l.burst = number(kMaxQuota);
  const Terms terms = l.terms();
  RC_PRE(!l.complaint());
  const Wide product = static_cast<Wide>(terms.capacity) * terms.window.count();
  const Wide tick = terms.tick.count();
  RC_ASSERT(product <= kMaxProduct * tick);
  RC_ASSERT(tick == 1 || product > kMaxProduct * (tick / 10));
  RC_ASSERT(terms.window % terms.tick == 0us);
  RC_ASSERT(terms.window_ticks() * terms.tick == terms.window);
  RC_ASSERT(tick <= 10'000'000);
}

TEST(LimitComplaintTest, SaysWhatCannotBeCountedAndWhatToDo) {
  struct Row {
    Limit limit;
    std::optional<std::string> complaint;
  };
  const std::string log = "sliding_log stores every unit, at most 10000; use sliding_window";
  const auto aligned = [](Limit limit, Alignment alignment) {
    limit.alignment = alignment;
    return limit;
  };
  const auto calendar = [&](Window window) {
    return aligned(limit(Algorithm::kFixedWindow, 8, window), Alignment::kCalendar);
  };
  const auto none = [](const std::string& period) {
    return "no calendar has a period of " + period + "; use 1 day, week, month or year";
  };
  const std::string drain = " takes more than 3660 days to drain; use a smaller one";
  constexpr Window kDay{1, Unit::kDay};
  const std::vector<Row> rows{
      {limit(Algorithm::kSlidingLog, kMaxLogQuota, kDay), {}},
      {limit(Algorithm::kSlidingLog, kMaxLogQuota + 1, kDay), log},
      {limit(Algorithm::kSlidingWindow, kMaxQuota, {31'622'399'999, Unit::kMillisecond}),
       "1000000000 per 31622399999 milliseconds cannot be counted exactly; use a rounder window"},
      {limit(Algorithm::kFixedWindow, kMaxQuota, {31'622'399'999, Unit::kMillisecond}), {}},
      {limit(Algorithm::kTokenBucket, 1, kDay, 3660), {}},
      {limit(Algorithm::kTokenBucket, 1, kDay, 3661), "a burst of 3661" + drain},
      {limit(Algorithm::kLeakyBucket, 2, kDay, 7322), "a burst of 7322" + drain},
      {limit(Algorithm::kLeakyBucket, 1, {366, Unit::kDay}, 10), {}},
      {limit(Algorithm::kLeakyBucket, 1, {366, Unit::kDay}, 11), "a burst of 11" + drain},
      {limit(Algorithm::kTokenBucket, 0, kDay, kMaxQuota), {}},
      {limit(Algorithm::kFixedWindow, 1, kDay, kMaxQuota), {}},
      {calendar({1, Unit::kDay}), {}},
      {calendar({1, Unit::kWeek}), {}},
      {calendar({1, Unit::kMonth}), {}},
      {calendar({1, Unit::kYear}), {}},
      {calendar({2, Unit::kDay}), none("2 days")},
      {calendar({24, Unit::kHour}), none("24 hours")},
      {calendar({1, Unit::kHour}), none("1 hour")},
      {calendar({12, Unit::kMonth}), none("12 months")},
      {aligned(limit(Algorithm::kFixedWindow, 8, {10, Unit::kSecond}), Alignment::kClock), {}},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(row.limit.complaint(), row.complaint)
        << row.limit.text() << ", burst " << row.limit.burst;
    EXPECT_TRUE(row.complaint || is_possible(row.limit.terms())) << row.limit.text();
  }
}

// What no config can say: of such a bucket sums would overflow.
TEST(LimitTermsTest, OfNoLimitAreNotPossible) {
  struct Row {
    const char* what;
    std::vector<Algorithm> of;
    void (*spoil)(Terms& terms);
  };
  using A = Algorithm;
  constexpr std::int64_t kFourBytes = 0xffffffff;
  const std::vector<A> all{A::kFixedWindow, A::kSlidingLog, A::kSlidingWindow, A::kTokenBucket,
                           A::kLeakyBucket};
  const std::vector<A> buckets{A::kTokenBucket, A::kLeakyBucket};
  const std::vector<A> others{A::kFixedWindow, A::kSlidingLog, A::kSlidingWindow};
  const std::vector<A> never_aligned{A::kSlidingLog, A::kSlidingWindow, A::kTokenBucket,
                                     A::kLeakyBucket};
  const std::vector<Row> rows{
      {"a quota beyond", all, [](Terms& t) { t.quota = kMaxQuota + 1; }},
      {"a capacity beyond", all, [](Terms& t) { t.capacity = kMaxQuota + 1; }},
      {"both", all, [](Terms& t) { t.quota = t.capacity = kMaxQuota + 1; }},
      {"the largest four bytes", all, [](Terms& t) { t.quota = t.capacity = kFourBytes; }},
      {"a negative quota", all, [](Terms& t) { t.quota = t.capacity = -1; }},
      {"no window", all, [](Terms& t) { t.window = 0s; }},
      {"a negative window", all, [](Terms& t) { t.window = -10s; }},
      {"a window beyond", all, [](Terms& t) { t.window = kMaxWindow + 1ms; }},
      {"the largest six bytes", all, [](Terms& t) { t.window = Duration(0xffffffffffff); }},
      {"a part of a millisecond", all, [](Terms& t) { t.window = 10s + 1us; }},
      {"a burst", others, [](Terms& t) { t.capacity = 16; }},
      {"a burst below", others, [](Terms& t) { t.capacity = 7; }},
      {"a long log", {A::kSlidingLog}, [](Terms& t) { t.quota = t.capacity = kMaxLogQuota + 1; }},
      {"a burst of nothing", buckets, [](Terms& t) { t.quota = 0; }},
      {"no burst", buckets, [](Terms& t) { t.capacity = 0; }},
      {"an endless drain", buckets, [](Terms& t) { t.capacity = kMaxQuota, t.window = days(1); }},
      {"a longer drain", buckets,
       [](Terms& t) { t.quota = 1, t.capacity = 11, t.window = kMaxWindow; }},
      {"the longest drain", buckets,
       [](Terms& t) { t.quota = 1, t.capacity = kMaxQuota, t.window = kMaxWindow; }},
      {"a part of a tick",
       {A::kSlidingWindow, A::kTokenBucket, A::kLeakyBucket},
       [](Terms& t) { t.quota = t.capacity = kMaxQuota, t.window = kMaxWindow - 1ms; }},
      {"the clock", never_aligned, [](Terms& t) { t.alignment = Alignment::kClock; }},
      {"a calendar", never_aligned,
       [](Terms& t) { t.alignment = Alignment::kCalendar, t.window = days(1); }},
      {"a calendar's 10 s",
       {A::kFixedWindow},
       [](Terms& t) { t.alignment = Alignment::kCalendar; }},
  };
  for (const Row& row : rows) {
    for (const Algorithm algorithm : row.of) {
      Terms terms = limit(algorithm, 8, {10, Unit::kSecond}).terms();
      EXPECT_TRUE(is_possible(terms));
      row.spoil(terms);
      terms.tick = tick_of(terms);
      EXPECT_FALSE(is_possible(terms)) << row.what << ", " << static_cast<int>(algorithm);
    }
  }
}

// 7321 units at 2 per day drain in 3660.5 days.
TEST(LimitComplaintTest, CountsTheDrainInFractionsToo) {
  EXPECT_TRUE(limit(Algorithm::kTokenBucket, 2, {1, Unit::kDay}, 7321).complaint());
  EXPECT_TRUE(limit(Algorithm::kTokenBucket, 2, {366, Unit::kDay}, 21).complaint());
  EXPECT_TRUE(limit(Algorithm::kTokenBucket, 10, {200, Unit::kDay}, 189).complaint());
}

// Whatever is not complained of drains in time, within a window.
RC_GTEST_PROP(LimitComplaintPropertyTest, ABucketDrainsInTime, ()) {
  const Limit l = limit(Algorithm::kTokenBucket, *rc::gen::inRange<std::int64_t>(1, 50),
                        {*rc::gen::inRange<std::int64_t>(1, 367), Unit::kDay},
                        *rc::gen::inRange<std::int64_t>(1, 2000));
  const Wide drain = static_cast<Wide>(l.burst) * l.window().count() / l.quota();
  if (drain > (kMaxDrain + l.window()).count()) RC_ASSERT(l.complaint());
  if (drain <= kMaxDrain.count()) RC_ASSERT(!l.complaint());
}

TEST(LimitWindowTest, WeeksMonthsAndYearsReadAsWritten) {
  struct Row {
    Window window;
    Duration length;
    std::string text;
    std::string suffix;
  };
  const std::vector<Row> rows{
      {{1, Unit::kWeek}, days(7), "1 week", "week"},
      {{2, Unit::kWeek}, days(14), "2 weeks", "2w"},
      {{52, Unit::kWeek}, days(364), "52 weeks", "52w"},
      {{1, Unit::kMonth}, days(30), "1 month", "month"},
      {{6, Unit::kMonth}, days(180), "6 months", "6mo"},
      {{12, Unit::kMonth}, days(360), "12 months", "12mo"},
      {{1, Unit::kYear}, days(360), "1 year", "year"},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(row.window.length(), row.length) << row.text;
    EXPECT_EQ(row.window.text(), row.text);
    EXPECT_EQ(row.window.suffix(), row.suffix);
    Limit monthly = limit(Algorithm::kFixedWindow, 1000, row.window);
    EXPECT_EQ(monthly.text(), "1000 per " + row.text);
    EXPECT_EQ(monthly.label(), "chat_per_" + row.suffix);
  }
  EXPECT_NE((Window{1, Unit::kYear}), (Window{12, Unit::kMonth})) << "of one length, in two ways";
}

}  // namespace
}  // namespace sluice::limits
