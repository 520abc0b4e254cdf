#include "limits/algorithm.h"

#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace sluice::limits {
namespace {

using namespace std::chrono_literals;
using std::chrono::days;

constexpr TimePoint kStart{1'800'000'000s};  // 2027-01-15T08:00:00Z: a whole multiple of 10 s
constexpr Duration kYear = days(365);

Limit limit(Algorithm algorithm, std::int64_t quota, Window window, std::int64_t burst = 0) {
  return {.name = "chat", .rate = {quota, window}, .burst = burst, .algorithm = algorithm};
}

// A bucket as a store keeps it: written only where a cost was charged.
struct Written {
  std::optional<Bucket> bucket = std::nullopt;

  std::pair<bool, Balance> take(const Limit& limit, std::int64_t cost, TimePoint now) {
    const Step step = limits::take(bucket, limit, cost, now);
    const std::int64_t waiting = step.fits ? 0 : cost;
    const Balance left = balance(view(step.after, limit, waiting, now), limit, waiting, now);
    if (step.fits && cost > 0) bucket = step.after;
    return {step.fits, left};
  }
};

__extension__ typedef __int128 Wide;  // NOLINT(modernize-use-using): a using has no __extension__
constexpr bool kFits = true;
constexpr bool kTooMuch = false;

struct Row {
  const char* what;
  Duration at;
  std::int64_t cost;
  bool fits;
  Balance balance;
};

void follow(const Limit& limit, const std::vector<Row>& rows) {
  Written kept;
  for (const Row& row : rows) {
    const auto [fits, left] = kept.take(limit, row.cost, kStart + row.at);
    const std::string what =
        fmt::format("{} {}: {}", static_cast<int>(limit.algorithm), limit.text(), row.what);
    EXPECT_EQ(fits, row.fits) << what;
    EXPECT_EQ(left.remaining, row.balance.remaining) << what;
    EXPECT_EQ(left.reset_after.count(), row.balance.reset_after.count()) << what;
    EXPECT_EQ(left.retry_after.count(), row.balance.retry_after.count()) << what;
  }
}

TEST(FixedWindowTest, FollowsTheTable) {
  follow(limit(Algorithm::kFixedWindow, 8, {10, Unit::kSecond}),
         {
             {"a peek at nothing", 0s, 0, kFits, {8, 0s, 0s}},
             {"the first unit opens the window", 1s + 1us, 1, kFits, {7, 10s, 0s}},
             {"later units do not move it", 4s, 6, kFits, {1, 7s + 1us, 0s}},
             {"two wait for the reset", 4s, 2, kTooMuch, {1, 7s + 1us, 7s + 1us}},
             {"a smaller cost still fits", 5s, 1, kFits, {0, 6s + 1us, 0s}},
             {"the ninth is denied", 5s, 1, kTooMuch, {0, 6s + 1us, 6s + 1us}},
             {"a microsecond before the reset too", 11s, 1, kTooMuch, {0, 1us, 1us}},
             {"at the reset the quota is back", 11s + 1us, 0, kFits, {8, 0s, 0s}},
             {"the next unit opens a new window", 12s, 8, kFits, {0, 10s, 0s}},
             {"a cost above the quota never passes", 12s, 9, kTooMuch, {0, 10s, kNever}},
             {"nor with an empty window", 30s, 9, kTooMuch, {8, 0s, kNever}},
             {"years later nothing is left of it", 3 * kYear, 8, kFits, {0, 10s, 0s}},
             {"nor of one in the future", 3 * kYear - 1us, 8, kFits, {0, 10s, 0s}},
         });
}

TEST(FixedWindowTest, AlignedToTheClockOpensAtWholeMultiples) {
  Limit ten = limit(Algorithm::kFixedWindow, 8, {10, Unit::kSecond});
  ten.alignment = Alignment::kClock;
  follow(ten, {
                  {"opened 3.5 s ago, whoever comes first", 3500ms, 8, kFits, {0, 6500ms, 0s}},
                  {"full until 10 s", 10s - 1us, 1, kTooMuch, {0, 1us, 1us}},
                  {"opens at 10 s", 10s, 5, kFits, {3, 10s, 0s}},
                  {"and not 10 s after a unit", 19'999'999us, 3, kFits, {0, 1us, 0s}},
                  {"opens at 20 s", 20s, 0, kFits, {8, 0s, 0s}},
                  {"years later too", kYear + 21s, 1, kFits, {7, 9s, 0s}},
              });
  Limit week = limit(Algorithm::kFixedWindow, 8, {1, Unit::kWeek});
  week.alignment = Alignment::kClock;  // from Thursday to Thursday, and kStart is a Friday
  follow(week, {{"32 h into the week", 0s, 1, kFits, {7, days(6) - 8h, 0s}}});
}

TEST(SlidingLogTest, FollowsTheTable) {
  follow(limit(Algorithm::kSlidingLog, 3, {10, Unit::kSecond}),
         {
             {"one unit", 250ms, 1, kFits, {2, 10s, 0s}},
             {"two at once", 4500ms, 2, kFits, {0, 10s, 0s}},
             {"one waits for the oldest", 4500ms, 1, kTooMuch, {0, 10s, 5750ms}},
             {"two wait for the second", 5s, 2, kTooMuch, {0, 9500ms, 9500ms}},
             {"not yet", 10'249'999us, 1, kTooMuch, {0, 4'250'001us, 1us}},
             {"the oldest has left", 10'250ms, 1, kFits, {0, 10s, 0s}},
             {"three wait for the newest", 14'500ms, 3, kTooMuch, {2, 5750ms, 5750ms}},
             {"two have left at once", 14'500ms, 2, kFits, {0, 10s, 0s}},
             {"above the quota", 15s, 4, kTooMuch, {0, 9500ms, kNever}},
             {"a microsecond before the last leaves", 24'499'999us, 0, kFits, {1, 1us, 0s}},
             {"when the last leaves", 24'500ms, 0, kFits, {3, 0s, 0s}},
             {"years later", 9 * kYear, 3, kFits, {0, 10s, 0s}},
         });
}

// P old units weigh floor(P * (1 - e)), so less than n of them once e > 1 - n / P.
TEST(SlidingWindowTest, FollowsTheTable) {
  follow(limit(Algorithm::kSlidingWindow, 8, {10, Unit::kSecond}),
         {
             {"the first units open a window", 2500ms, 8, kFits, {0, 18'750'001us, 0s}},
             {"one waits into the next", 2500ms, 1, kTooMuch, {0, 18'750'001us, 10'000'001us}},
             {"where the old weigh 8 at first", 12'500ms, 1, kTooMuch, {0, 8'750'001us, 1us}},
             {"7, and a new one", 12'500'001us, 1, kFits, {0, 10s, 0s}},
             {"7 to an eighth of the window", 13'750ms, 1, kTooMuch, {0, 8'750'001us, 1us}},
             {"the middle: 4 and 1", 17'500ms, 4, kTooMuch, {3, 5'000'001us, 1us}},
             {"so three fit", 17'500ms, 3, kFits, {0, 12'500'001us, 0s}},
             {"a window later the 4 are the old ones", 22'500ms, 0, kFits, {4, 7'500'001us, 0s}},
             {"4 weigh 2", 27'500ms, 6, kFits, {0, 13'333'334us, 0s}},
             {"above the quota", 27'500ms, 9, kTooMuch, {0, 13'333'334us, kNever}},
             {"6 weigh 1.0000002", 40'833'333us, 0, kFits, {7, 1us, 0s}},
             {"6 weigh 0.9999996: none", 40'833'334us, 0, kFits, {8, 0s, 0s}},
             {"the last of the window", 42'499'999us, 8, kFits, {0, 8'750'002us, 0s}},
             {"weigh 1 still", 51'250ms, 8, kTooMuch, {7, 1us, 1us}},
             {"years later", 40 * kYear, 8, kFits, {0, 18'750'001us, 0s}},
             {"nor do those of the future", 40 * kYear - 1us, 8, kFits, {0, 18'750'001us, 0s}},
         });
}

TEST(SlidingWindowTest, WaitsWithinItsWindowWhereThatIsEnough) {
  follow(limit(Algorithm::kSlidingWindow, 3, {7, Unit::kSecond}),
         {
             // 3 weigh none after 2/3 of 7 s, 1 after 1/3: 4666666.7 and 2333333.3 us, rounded up.
             {"three", 0s, 3, kFits, {0, 11'666'667us, 0s}},
             {"one", 7s, 1, kTooMuch, {0, 4'666'667us, 1us}},
             {"two", 7s, 2, kTooMuch, {0, 4'666'667us, 2'333'334us}},
             {"too early", 9'333'333us, 2, kTooMuch, {1, 2'333'334us, 1us}},
             {"in time, to 17.5 s", 9'333'334us, 2, kFits, {0, 8'166'667us, 0s}},
             {"in the next", 9'333'334us, 3, kTooMuch, {0, 8'166'667us, 8'166'667us}},
         });
}

TEST(BucketTest, FollowsTheTable) {
  for (const Algorithm algorithm : {Algorithm::kTokenBucket, Algorithm::kLeakyBucket}) {
    follow(limit(algorithm, 2, {1, Unit::kSecond}, 4),  // a unit in half a second
           {
               {"three of four", 100ms, 3, kFits, {1, 1500ms, 0s}},
               {"one is left, so two wait for one", 100ms, 2, kTooMuch, {1, 1500ms, 500ms}},
               {"a microsecond early", 599'999us, 2, kTooMuch, {1, 1'000'001us, 1us}},
               {"in time", 600ms, 2, kFits, {0, 2s, 0s}},
               {"half a unit is none", 850ms, 1, kTooMuch, {0, 1750ms, 250ms}},
               {"a whole one", 1100ms, 1, kFits, {0, 2s, 0s}},
               {"one and a half, one of them taken", 1850ms, 1, kFits, {0, 1750ms, 0s}},
               {"the half was kept", 2100ms, 1, kFits, {0, 2s, 0s}},
               {"above the burst", 2100ms, 5, kTooMuch, {0, 2s, kNever}},
               {"nearly full", 4'099'999us, 0, kFits, {3, 1us, 0s}},
               {"full", 4100ms, 0, kFits, {4, 0s, 0s}},
               {"years later no fuller", 5 * kYear, 4, kFits, {0, 2s, 0s}},
           });
  }
}

TEST(BucketTest, HoldsItsBurst) {
  for (const Algorithm algorithm : {Algorithm::kTokenBucket, Algorithm::kLeakyBucket}) {
    follow(limit(algorithm, 2, {1, Unit::kSecond}, 1),
           {
               {"one at a time", 0s, 2, kTooMuch, {1, 0s, kNever}},
               {"the first", 0s, 1, kFits, {0, 500ms, 0s}},
               {"too early", 499'999us, 1, kTooMuch, {0, 1us, 1us}},
               {"evenly spaced", 500ms, 1, kFits, {0, 500ms, 0s}},
           });
    follow(limit(algorithm, 2, {1, Unit::kSecond}, 10),
           {
               {"far more than the quota", 0s, 10, kFits, {0, 5s, 0s}},
               {"a quota in each window", 1s, 2, kFits, {0, 5s, 0s}},
               {"after that one", 1s, 1, kTooMuch, {0, 5s, 500ms}},
               {"ten again", 2s, 10, kTooMuch, {2, 4s, 4s}},
           });
    follow(limit(algorithm, 3, {7, Unit::kSecond}),
           {
               {"without a burst the quota is one", 0s, 3, kFits, {0, 7s, 0s}},
               {"a third of 7 s, rounded up", 0s, 1, kTooMuch, {0, 7s, 2'333'334us}},
               {"too early", 2'333'333us, 1, kTooMuch, {0, 4'666'667us, 1us}},
               {"in time", 2'333'334us, 1, kFits, {0, 7s, 0s}},
           });
  }
}

TEST(AlgorithmTest, AQuotaOfZeroDeniesEverythingForEver) {
  for (const auto& [name, algorithm] : kAlgorithmNames) {
    for (const std::int64_t burst : {0, 5}) {
      const Limit none = limit(algorithm, 0, {10, Unit::kSecond}, burst);
      follow(none, {{"a peek", 0s, 0, kFits, {0, 0s, 0s}},
                    {"a unit", 0s, 1, kTooMuch, {0, 0s, kNever}},
                    {"the largest cost", 1s, kMaxQuota, kTooMuch, {0, 0s, kNever}},
                    {"years later", kYear, 1, kTooMuch, {0, 0s, kNever}}});
    }
  }
}

TEST(AlgorithmTest, CountsTheLargestFigures) {
  const Window longest{366, Unit::kDay};
  follow(limit(Algorithm::kFixedWindow, kMaxQuota, longest),
         {{"all", 0s, kMaxQuota, kFits, {0, kMaxWindow, 0s}},
          {"one more", 1us, 1, kTooMuch, {0, kMaxWindow - 1us, kMaxWindow - 1us}},
          {"all again", kMaxWindow, kMaxQuota, kFits, {0, kMaxWindow, 0s}}});
  follow(limit(Algorithm::kSlidingLog, kMaxLogQuota, longest),
         {{"one", 0s, 1, kFits, {kMaxLogQuota - 1, kMaxWindow, 0s}},
          {"all others", 1s, kMaxLogQuota - 1, kFits, {0, kMaxWindow, 0s}},
          {"one", 2s, 1, kTooMuch, {0, kMaxWindow - 1s, kMaxWindow - 2s}},
          {"all", 2s, kMaxLogQuota, kTooMuch, {0, kMaxWindow - 1s, kMaxWindow - 1s}},
          {"one has left", kMaxWindow, 1, kFits, {0, kMaxWindow, 0s}}});
  // A tick is 10 s; a window has 3162240, in each of which 316.2 units go: at once 317. All are
  // gone with the last one, 317 of them when 9975 are left.
  follow(limit(Algorithm::kSlidingWindow, kMaxQuota, longest),
         {{"all", 3us, kMaxQuota, kFits, {0, 2 * kMaxWindow, 0s}},
          {"317", 3us, 317, kTooMuch, {0, 2 * kMaxWindow, kMaxWindow + 10s}},
          {"318", 3us, 318, kTooMuch, {0, 2 * kMaxWindow, kMaxWindow + 20s}},
          {"early", kMaxWindow + 10s + 2us, 1, kTooMuch, {0, kMaxWindow - 10s + 1us, 1us}},
          {"in time", kMaxWindow + 10s + 3us, 317, kFits, {0, 2 * kMaxWindow - 99'760s, 0s}}});
  for (const Algorithm algorithm : {Algorithm::kTokenBucket, Algorithm::kLeakyBucket}) {
    follow(limit(algorithm, kMaxQuota, longest),
           {{"all", 3us, kMaxQuota, kFits, {0, kMaxWindow, 0s}},
            {"316", 3us, 316, kTooMuch, {0, kMaxWindow, 10s}},
            {"317", 5us, 317, kTooMuch, {0, kMaxWindow - 2us, 20s - 2us}},
            {"early", 10s + 2us, 1, kTooMuch, {0, kMaxWindow - 10s + 1us, 1us}},
            {"in time", 10s + 3us, 316, kFits, {0, kMaxWindow, 0s}}});
  }
}

// Fills a bucket, and sets the clock back by an hour.
void expect_no_wait_for_the_clock(const Limit& eight) {
  Written kept;
  EXPECT_TRUE(kept.take(eight, 8, kStart).first);
  for (std::int64_t admitted = 0; admitted <= 8; ++admitted) {
    const auto [fits, left] = kept.take(eight, 1, kStart - 1h);
    EXPECT_TRUE(admitted < 8 || !fits) << "more than one more quota";
    EXPECT_TRUE(left.remaining >= 0 && left.reset_after <= 2 * eight.window());
  }
  EXPECT_TRUE(kept.take(eight, 8, kStart - 1h + 20s).first) << static_cast<int>(eight.algorithm);
}

TEST(AlgorithmTest, AClockSetBackMakesNobodyWaitForIt) {
  for (const auto& [name, algorithm] : kAlgorithmNames) {
    for (const Alignment alignment : {Alignment::kFirstHit, Alignment::kClock}) {
      Limit eight = limit(algorithm, 8, {10, Unit::kSecond});
      eight.alignment = alignment;
      expect_no_wait_for_the_clock(eight);
    }
  }
}

TEST(BucketTest, AClockSetBackByNoMoreThanADrainIsWaitedFor) {
  for (const Algorithm algorithm : {Algorithm::kTokenBucket, Algorithm::kLeakyBucket}) {
    follow(limit(algorithm, 8, {10, Unit::kSecond}),  // a unit in 1.25 s
           {
               {"drains in 5 s", 0s, 4, kFits, {4, 5s, 0s}},
               {"nothing drains before that", -5s, 0, kFits, {4, 10s, 0s}},
               {"room is room", -5s, 3, kFits, {1, 13'750ms, 0s}},
               {"7 by now, of 8.75 s", -8750ms, 2, kTooMuch, {1, 17'500ms, 10s}},
               {"then it drains", 1250ms, 2, kFits, {0, 10s, 0s}},
               {"more than a drain ahead", -8750ms - 1us, 8, kFits, {0, 10s, 0s}},
           });
  }
}

// Polls once in `poll` and takes all that there is. What was admitted is burst + elapsed * quota /
// window, rounded down, after every one of them: no fraction of a unit is lost.
void expect_exact_over(const Limit& limit, Duration poll, std::int64_t polls) {
  Written kept;
  const Terms terms = limit.terms();
  std::int64_t admitted = 0;
  for (std::int64_t i = 0; i <= polls; ++i) {
    while (kept.take(limit, 1, kStart + i * poll).first) ++admitted;
    const Wide parts = static_cast<Wide>((i * poll).count()) * terms.quota;
    const auto due = static_cast<std::int64_t>(parts / terms.window.count());
    ASSERT_EQ(admitted, terms.capacity + due) << limit.text() << ", poll " << i;
  }
}

TEST(BucketTest, LosesNoFractionHoweverOftenItIsAsked) {
  for (const Algorithm algorithm : {Algorithm::kTokenBucket, Algorithm::kLeakyBucket}) {
    // 0.9 per second, asked for one each second for an hour: 3240 and the burst.
    expect_exact_over(limit(algorithm, 9, {10, Unit::kSecond}), 1s, 3600);
    expect_exact_over(limit(algorithm, 9, {10, Unit::kSecond}, 2), 1s, 3600);
    expect_exact_over(limit(algorithm, 7, {10, Unit::kSecond}), 1'000'003us, 3600);
    expect_exact_over(limit(algorithm, 7, {10, Unit::kSecond}, 2), 1us, 20'000);
    expect_exact_over(limit(algorithm, 999'983, {1, Unit::kDay}, 2), 70'001us, 20'000);
    expect_exact_over(limit(algorithm, 3, {1, Unit::kSecond}, 2), 33'337us, 20'000);
    expect_exact_over(limit(algorithm, 1'000'003, {1, Unit::kSecond}, 9), 7us, 20'000);
  }
}

}  // namespace
}  // namespace sluice::limits
