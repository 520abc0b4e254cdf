#include "limits/change.h"

#include <array>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "limits/algorithm.h"
#include "limits/buckets.h"

namespace sluice::limits {
namespace {

using namespace std::chrono_literals;
using enum OnChange;

__extension__ typedef __int128 Wide;  // NOLINT(modernize-use-using)

constexpr Window kTen{10, Unit::kSecond};
constexpr std::array kPolicies{kKeep, kReset, kProportional};

Limit limit(Algorithm algorithm, std::int64_t quota, Window window = kTen, std::int64_t burst = 0) {
  return {.name = "chat", .rate = {quota, window}, .burst = burst, .algorithm = algorithm};
}

Limit with(Limit limit, OnChange on_change) {
  limit.on_change = on_change;
  return limit;
}

// A bucket of `limit` that was charged in these steps.
struct Charged {
  Duration at;
  std::int64_t cost;
};
std::optional<Bucket> charged(const Limit& limit, const std::vector<Charged>& charges) {
  std::optional<Bucket> bucket;
  for (const auto& [at, cost] : charges) {
    const Step step = take(bucket, limit, cost, kStart + at);
    EXPECT_TRUE(step.fits);
    bucket = step.after;
  }
  return bucket;
}

std::int64_t remaining(const std::optional<Bucket>& bucket, const Limit& limit, TimePoint now) {
  const Step step = take(bucket, limit, 0, now);
  return balance(view(step.after, limit, 0, now), limit, 0, now).remaining;
}

TEST(ChangeTest, OfTheQuota) {
  struct Row {
    std::int64_t from;
    std::int64_t used;
    std::int64_t to;
    std::int64_t keep;  // what remains
    std::int64_t proportional;
  };
  const std::vector<Row> rows{
      {8, 8, 4, 0, 0},         {8, 5, 4, 0, 1},   // 2.5 of 4 are 3
      {8, 3, 4, 1, 2},         {8, 3, 12, 9, 7},  // 4.5 of 12 are 5
      {8, 8, 12, 4, 0},        {8, 1, 1, 0, 0},  {8, 7, 7, 0, 0},
      {8, 3, 0, 0, 0},         {3, 1, 10, 9, 6},  // 3.33 of 10 are 4
      {10, 1, 1000, 999, 900},
  };
  for (const auto& [name, algorithm] : kAlgorithmNames) {
    for (const Row& row : rows) {
      const auto bucket = charged(limit(algorithm, row.from), {{0s, row.used}});
      const Limit to = limit(algorithm, row.to);
      const std::string what = fmt::format("{}: {} of {} to {}", name, row.used, row.from, row.to);
      EXPECT_EQ(remaining(bucket, with(to, kKeep), kStart), row.keep) << what;
      EXPECT_EQ(remaining(bucket, with(to, kReset), kStart), row.to) << what;
      EXPECT_EQ(remaining(bucket, with(to, kProportional), kStart), row.proportional) << what;
    }
  }
}

// Nothing was counted under a quota of 0, so there is nothing to keep.
TEST(ChangeTest, FromAQuotaOfNothing) {
  for (const auto& [name, algorithm] : kAlgorithmNames) {
    for (const OnChange on_change : kPolicies) {
      const Bucket none{limit(algorithm, 0).terms(),
                        charged(limit(algorithm, 1), {{0s, 1}})->state};
      const Limit to = with(limit(algorithm, 5), on_change);
      EXPECT_EQ(remaining(none, to, kStart), 5) << name;
    }
  }
}

TEST(ChangeTest, OfTheWindow) {
  struct Row {
    Algorithm algorithm;
    std::int64_t used;
    Duration reset_after;
  };
  const auto expect = [](Window window, const std::vector<Row>& rows) {
    for (const Row& row : rows) {
      const auto bucket = charged(limit(row.algorithm, 10), {{0s, 2}, {4s, 3}});
      for (const OnChange on_change : {kKeep, kProportional}) {
        const Limit to = with(limit(row.algorithm, 10, window), on_change);
        const std::string what = fmt::format("{}: {}", to.text(), static_cast<int>(row.algorithm));
        EXPECT_EQ(10 - remaining(bucket, to, kStart + 5s), row.used) << what;
        EXPECT_EQ(take(bucket, to, 0, kStart + 5s).keep_for, row.reset_after) << what;
      }
    }
  };
  expect({1, Unit::kMinute}, {{Algorithm::kFixedWindow, 5, 55s},
                              {Algorithm::kSlidingLog, 5, 59s},
                              {Algorithm::kSlidingWindow, 5, 115s},
                              {Algorithm::kTokenBucket, 3, 17s},  // 3 at 4 s, 6 s for each
                              {Algorithm::kLeakyBucket, 3, 17s}});
  expect({3, Unit::kSecond}, {{Algorithm::kFixedWindow, 0, 0s},
                              {Algorithm::kSlidingLog, 3, 2s},
                              {Algorithm::kSlidingWindow, 1, 1s},  // 5 at 0 s weigh 5/3
                              {Algorithm::kTokenBucket, 0, 0s},    // 3 at 4 s, 0.3 s for each
                              {Algorithm::kLeakyBucket, 0, 0s}});
}

TEST(ChangeTest, OfTheBurst) {
  struct Row {
    std::int64_t from;
    std::int64_t to;
    std::int64_t keep;  // what remains of `to`
    std::int64_t proportional;
  };
  for (const Algorithm algorithm : {Algorithm::kTokenBucket, Algorithm::kLeakyBucket}) {
    // 6 at 0 s become so many of the new burst, of which a second later half of one has drained.
    for (const Row& row :
         {Row{6, 10, 4, 0}, {10, 6, 0, 2}, {12, 20, 14, 10}, {20, 1, 0, 0}, {8, 12, 6, 3}}) {
      const auto bucket = charged(limit(algorithm, 5, kTen, row.from), {{0s, 6}});
      const Limit to = limit(algorithm, 5, kTen, row.to);
      const std::string what = fmt::format("{} to {}", row.from, row.to);
      EXPECT_EQ(remaining(bucket, with(to, kKeep), kStart + 1s), row.keep) << what;
      EXPECT_EQ(remaining(bucket, with(to, kProportional), kStart + 1s), row.proportional) << what;
    }
  }
}

TEST(ChangeTest, OfTheAlgorithmFindsTheUnitsChargedAtOnce) {
  for (const auto& [from_name, from] : kAlgorithmNames) {
    for (const auto& [to_name, to] : kAlgorithmNames) {
      const auto bucket = charged(limit(from, 10), {{0s, 6}});
      const std::string what = fmt::format("{} to {}", from_name, to_name);
      EXPECT_EQ(remaining(bucket, with(limit(to, 20), kKeep), kStart), 14) << what;
      EXPECT_EQ(remaining(bucket, with(limit(to, 20), kProportional), kStart), 8) << what;
      EXPECT_EQ(remaining(bucket, with(limit(to, 20), kReset), kStart), 20) << what;
    }
  }
}

// At 5 s, of 2 units at 0 s and 3 at 4 s: when the window opened, the last came, or was charged.
TEST(ChangeTest, OfTheAlgorithmFindsTheUnitsAtAMomentOfTheState) {
  const TimePoint last = kStart + 4s;
  const std::vector<FixedWindow> found{{5, last}, {5, kStart}, {3, last}, {3, last}};
  for (std::size_t i = 0; i < found.size(); ++i) {
    const auto bucket = charged(limit(static_cast<Algorithm>(i + 2), 10), {{0s, 2}, {4s, 3}});
    const Limit fixed = limit(Algorithm::kFixedWindow, 10);
    EXPECT_EQ(take(bucket, fixed, 0, kStart + 5s).before, (Bucket{fixed.terms(), found[i]})) << i;
  }
  const auto three = charged(limit(Algorithm::kFixedWindow, 10), {{0s, 2}, {4s, 1}});
  const Step to_log = take(three, limit(Algorithm::kSlidingLog, 10), 0, kStart + 5s);
  EXPECT_EQ(to_log.before->state, State(SlidingLog{{kStart, kStart, kStart}}));
}

TEST(ChangeTest, OfTheLargestFiguresIsExact) {
  for (const Algorithm algorithm :
       {Algorithm::kFixedWindow, Algorithm::kSlidingWindow, Algorithm::kTokenBucket}) {
    const auto used = [&](std::int64_t count, std::int64_t from, std::int64_t to) {
      const auto bucket = charged(limit(algorithm, from), {{0s, count}});
      return to - remaining(bucket, with(limit(algorithm, to), kProportional), kStart);
    };
    EXPECT_EQ(used(999'999'937, kMaxQuota, 7), 7);
    EXPECT_EQ(used(857'142'857, kMaxQuota, 7), 6);  // 5.999999999
    EXPECT_EQ(used(857'142'858, kMaxQuota, 7), 7);  // 6.000000006
    EXPECT_EQ(used(1, kMaxQuota, 999'999'999), 1);
    EXPECT_EQ(used(500'000'000, kMaxQuota, 999'999'999), 500'000'000);  // 499999999.5
    EXPECT_EQ(used(3, 7, kMaxQuota), 428'571'429);                      // 428571428.57
    EXPECT_TRUE(rc::check([&] {
      const auto from = *rc::gen::inRange<std::int64_t>(1, kMaxQuota + 1);
      const auto count = *rc::gen::inRange<std::int64_t>(1, from + 1);
      const auto to = *rc::gen::inRange<std::int64_t>(1, kMaxQuota + 1);
      const Wide exact = (static_cast<Wide>(count) * to + from - 1) / from;
      RC_ASSERT(used(count, from, to) == static_cast<std::int64_t>(exact));
    }));
  }
}

TEST(ChangeTest, OfTheAlgorithmLeavesAClosedWindowClosed) {
  for (const auto& [name, algorithm] : kAlgorithmNames) {
    const auto bucket = charged(limit(Algorithm::kFixedWindow, 10), {{0s, 10}});
    EXPECT_EQ(remaining(bucket, limit(algorithm, 10), kStart + 11s), 10) << name;
  }
}

TEST(ChangeTest, OfTheWindowKeepsTheUnitsOfASlidingWindow) {
  const Limit ten = limit(Algorithm::kSlidingWindow, 10);
  const Limit minute = limit(Algorithm::kSlidingWindow, 10, {1, Unit::kMinute});
  const Limit second = limit(Algorithm::kSlidingWindow, 10, {1, Unit::kSecond});
  EXPECT_EQ(remaining(charged(ten, {{0s, 10}}), minute, kStart + 19s), 9);  // 10 weigh 1
  EXPECT_EQ(remaining(charged(ten, {{0s, 10}, {19s, 9}}), minute, kStart + 19s), 0);
  // All when the window opened, as of a fixed window.
  EXPECT_EQ(remaining(charged(ten, {{0s, 1}, {500ms, 9}}), second, kStart + 900ms), 0);
  EXPECT_EQ(remaining(charged(ten, {{0s, 1}, {8s, 9}}), second, kStart + 8s), 10);
}

// What is no part of the terms changes nothing; neither do the same terms in other words.
TEST(ChangeTest, OfNothingThatCountsIsNone) {
  for (const auto& [name, algorithm] : kAlgorithmNames) {
    for (const OnChange on_change : kPolicies) {
      const Limit before = limit(algorithm, 10, {60, Unit::kSecond});
      const auto bucket = charged(before, {{0s, 3}, {7s, 2}, {71s, 1}});
      Limit after = with(limit(algorithm, 10, {1, Unit::kMinute}), on_change);
      after.name = "other";
      after.mode = Mode::kShadow;
      after.time_zone = "Asia/Kolkata";
      const TimePoint now = kStart + 73'123'457us;
      EXPECT_EQ(take(bucket, after, 1, now).before, take(bucket, before, 1, now).before) << name;
      EXPECT_EQ(take(bucket, after, 1, now).after, take(bucket, before, 1, now).after) << name;
    }
  }
}

TEST(ChangeTest, ThereAndBackKeepsAllThatWasNotAboveTheQuota) {
  for (const auto& [name, algorithm] : kAlgorithmNames) {
    const Limit ten = limit(algorithm, 10);
    const Limit twenty = limit(algorithm, 20);
    const auto bucket = charged(ten, {{0s, 3}, {2s, 4}});
    // A bucket drains by the new limit from the last charge on: at that moment there are 3 - 2 + 4.
    const bool is_level = std::holds_alternative<Level>(bucket->state);
    const TimePoint now = kStart + (is_level ? 2s : 3s);
    const auto there = take(bucket, twenty, 1, now).after;
    const auto back = take(there, ten, 1, now).after;
    EXPECT_EQ(back, take(bucket, ten, 2, now).after) << name;
  }
}

// A bucket of any limit, found by any other one.
struct Found {
  Limit from;
  Limit to;
  std::optional<Bucket> bucket;
  TimePoint now;
};

Limit any_limit(Algorithm algorithm) {
  const auto number = [](std::int64_t most) {
    return *rc::gen::inRange<std::int64_t>(1, most + 1);
  };
  Limit any = limit(algorithm, number(30) - 1, {number(20), Unit::kSecond}, number(40));
  any.alignment = *rc::gen::element(Alignment::kFirstHit, Alignment::kClock);
  any.on_change = *rc::gen::elementOf(std::vector(kPolicies.begin(), kPolicies.end()));
  return any;
}

template <class Property>
void check(Algorithm from, Algorithm to, const Property& property) {
  EXPECT_TRUE(rc::check([&] {
    Found found{any_limit(from), any_limit(to), std::nullopt, kStart};
    for (auto hits = *rc::gen::inRange(1, 30); hits > 0; --hits) {
      found.now += Duration(*rc::gen::inRange(0, 5'000'000));
      Step step = take(found.bucket, found.from, *rc::gen::inRange<std::int64_t>(1, 8), found.now);
      if (step.fits) found.bucket = std::move(step.after);
    }
    found.now += Duration(*rc::gen::inRange(0, 5'000'000));
    RC_PRE(found.bucket.has_value());
    RC_LOG() << fmt::format("{} to {}", found.from.text(), found.to.text());
    property(found);
  })) << fmt::format("{} to {}", static_cast<int>(from), static_cast<int>(to));
}

TEST(ChangePropertyTest, NeverIsLessThanNothingOrMoreThanAllLeft) {
  const auto property = [](const Found& f) {
    const std::int64_t left = remaining(f.bucket, f.to, f.now);
    RC_ASSERT(left >= 0 && left <= f.to.terms().capacity);
  };
  for (const auto& [from_name, from] : kAlgorithmNames) {
    for (const auto& [to_name, to] : kAlgorithmNames) check(from, to, property);
  }
}

// Only a charge writes: until then, each decision finds the bucket as the old limit left it.
TEST(ChangePropertyTest, WaitingRetryAfterIsEnough) {
  const auto property = [](const Found& f) {
    const std::int64_t cost = *rc::gen::inRange<std::int64_t>(1, 10);
    const Step step = take(f.bucket, f.to, cost, f.now);
    if (step.fits || cost > f.to.terms().capacity) return;
    const Duration wait =
        balance(view(step.after, f.to, cost, f.now), f.to, cost, f.now).retry_after;
    RC_ASSERT(take(f.bucket, f.to, cost, f.now + wait).fits);
  };
  for (const auto& [from_name, from] : kAlgorithmNames) {
    for (const auto& [to_name, to] : kAlgorithmNames) check(from, to, property);
  }
}

}  // namespace
}  // namespace sluice::limits
