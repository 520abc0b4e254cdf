// Balance::more_after against time itself: a bucket is looked at, microsecond by microsecond, until
// more of it is to be had.
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "limits/outcome.h"

namespace sluice::limits {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint kStart{1'800'000'000s};  // a whole multiple of 5 ms

// 4 per 5 ms; of a bucket, up to 5 at once.
Limit four(Algorithm algorithm, Alignment alignment = Alignment::kFirstHit) {
  return {.name = "chat",
          .rate = {4, {5, Unit::kMillisecond}},
          .burst = 5,
          .algorithm = algorithm,
          .alignment = alignment};
}

// A bucket as a store keeps it, of one limit at a time.
struct Kept {
  std::optional<Bucket> bucket = std::nullopt;

  Outcome look(const Limit& limit, std::int64_t cost, TimePoint now) const {
    const std::vector<Charge> charges{{"key", &limit, cost}};
    return decide({charges}, {[&](std::string_view, const Limit&) { return bucket; }, {}}, now);
  }
  // What is told of a take.
  Balance take(const Limit& limit, std::int64_t cost, TimePoint now) {
    const Outcome outcome = look(limit, cost, now);
    if (!outcome.changes.empty()) bucket = outcome.changes.front().bucket;
    return outcome.decision.balances.front();
  }
};

// A take, and what was told of it.
struct Asked {
  const Limit& limit;
  std::int64_t cost;
  TimePoint now;
  Balance told;

  Asked(Kept& kept, const Limit& of, std::int64_t units, TimePoint at)
      : limit(of), cost(units), now(at), told(kept.take(of, units, at)) {}
  [[nodiscard]] bool waits() const { return told.retry_after > 0us && told.retry_after != kNever; }
};

// Whether so much later there is what the cost waits for, or else one unit more.
bool has_more(const Kept& kept, const Asked& asked, Duration later) {
  const std::int64_t cost = asked.waits() ? asked.cost : 0;
  const Decision decision = kept.look(asked.limit, cost, asked.now + later).decision;
  return asked.waits() ? decision.allowed
                       : decision.balances.front().remaining > asked.told.remaining;
}

Duration by_looking(const Kept& kept, const Asked& asked) {
  if (asked.told.remaining == asked.limit.terms().capacity) return 0us;
  Duration passed = 1us;
  while (passed < 20ms && !has_more(kept, asked, passed)) passed += 1us;
  return passed;
}

struct Hit {
  Duration at;
  std::int64_t cost;
};

struct Row {
  const char* what;
  std::vector<Hit> before;
  Hit asked;
};

const std::vector<Row> kRows{
    {"nothing was charged", {}, {0us, 0}},
    {"nothing was charged, the cost never passes", {}, {0us, 7}},
    {"the first unit", {}, {700us, 1}},
    {"a while after it", {{700us, 1}}, {1999us, 0}},
    {"several", {{700us, 1}, {1500us, 2}}, {2300us, 1}},
    {"several, the oldest nearly gone", {{700us, 1}, {1500us, 2}}, {5699us, 0}},
    {"several, some of them gone", {{700us, 1}, {1500us, 2}, {2300us, 1}}, {5900us, 0}},
    {"all at once", {}, {700us, 4}},
    {"one is denied", {{700us, 4}, {700us, 1}}, {700us, 1}},
    {"one is denied a while later", {{700us, 4}, {700us, 1}}, {1100us, 1}},
    {"three are denied", {{700us, 4}, {700us, 2}}, {1100us, 3}},
    {"the whole quota is denied", {{700us, 1}, {1500us, 2}}, {2400us, 4}},
    {"the cost is above the quota", {{700us, 1}, {1500us, 2}}, {2400us, 7}},
    {"a window later", {{700us, 4}, {5900us, 1}}, {6100us, 0}},
    {"denied a window later", {{700us, 4}, {5900us, 1}, {8000us, 2}}, {8100us, 4}},
    {"two windows later", {{700us, 4}, {5900us, 1}}, {12ms, 0}},
    {"a clock set back a little", {{700us, 3}}, {100us, 0}},
    {"a clock set back a little, and denied", {{700us, 3}}, {100us, 4}},
    {"a clock set back for long", {{20ms, 3}}, {100us, 0}},
};

void expect_what_looking_finds(const Limit& limit) {
  for (const Row& row : kRows) {
    const std::string what = fmt::format("{} {}", static_cast<int>(limit.algorithm), row.what);
    Kept kept;
    for (const Hit& hit : row.before) kept.take(limit, hit.cost, kStart + hit.at);
    const Asked asked(kept, limit, row.asked.cost, kStart + row.asked.at);
    EXPECT_EQ(asked.told.more_after, by_looking(kept, asked)) << what;
    EXPECT_TRUE(!asked.waits() || asked.told.more_after == asked.told.retry_after) << what;
  }
}

TEST(MoreAfterTest, IsWhenLookingFindsMore) {
  for (const auto& [name, algorithm] : kAlgorithmNames) expect_what_looking_finds(four(algorithm));
  expect_what_looking_finds(four(Algorithm::kFixedWindow, Alignment::kClock));
}

TEST(MoreAfterTest, OfADayIsItsMidnight) {
  Limit daily = four(Algorithm::kFixedWindow, Alignment::kCalendar);
  daily.rate.window = {1, Unit::kDay};
  daily.time_zone = "Europe/Berlin";
  const TimePoint midnight = kStart + 15h;  // kStart is 09:00 there
  for (const std::int64_t cost : {0, 1, 2, 5}) {
    Kept kept;
    kept.take(daily, 3, kStart);
    const Asked asked(kept, daily, cost, midnight - 4321us);
    EXPECT_EQ(asked.told.more_after, 4321us) << cost;
    EXPECT_EQ(by_looking(kept, asked), 4321us) << cost;
  }
}

// A bucket that other terms charged is read anew each time: more may come sooner, but no later.
TEST(MoreAfterTest, OfAQuotaThatWasLoweredIsEnough) {
  for (const auto& [name, algorithm] : kAlgorithmNames) {
    for (const std::int64_t quota : {0, 1, 2, 3}) {
      Limit lower = four(algorithm);
      lower.rate.quota = lower.burst = quota;
      for (const std::int64_t cost : {0, 1, 2, 4}) {
        const std::string what = fmt::format("{}, to {}: {}", name, quota, cost);
        Kept kept;
        kept.take(four(algorithm), 4, kStart + 700us);
        kept.take(four(algorithm), 4, kStart + 9009us);  // of a sliding window 6 are in use now
        const Asked asked(kept, lower, cost, kStart + 9200us);
        EXPECT_GE(asked.told.more_after, by_looking(kept, asked)) << what;
        EXPECT_EQ(asked.told.more_after == 0us, asked.told.remaining == quota) << what;
        EXPECT_TRUE(asked.told.more_after == 0us || has_more(kept, asked, asked.told.more_after))
            << what;
      }
    }
  }
}

TEST(MoreAfterTest, OfALimitThatFitsWhileAnotherDeniesIsItsNextUnit) {
  for (const auto& [name, algorithm] : kAlgorithmNames) {
    const Limit fits = four(algorithm);
    Limit denies = four(Algorithm::kFixedWindow);
    denies.rate.quota = 0;
    Kept kept;
    kept.take(fits, 1, kStart);
    kept.take(fits, 1, kStart + 100us);
    const std::vector<Charge> both{{"fits", &fits, 1}, {"denies", &denies, 1}};
    const auto stored = [&](std::string_view key, const Limit& /*limit*/) {
      return key == "fits" ? kept.bucket : std::nullopt;
    };
    const Decision denied = decide({both}, {stored, {}}, kStart + 300us).decision;
    EXPECT_FALSE(denied.allowed);
    EXPECT_EQ(denied.balances[0], kept.take(fits, 0, kStart + 300us)) << name;
  }
}

std::int64_t number(std::int64_t least, std::int64_t most) {
  return *rc::gen::inRange(least, most + 1);
}

Limit any_limit(Algorithm algorithm) {
  const std::int64_t most = algorithm == Algorithm::kSlidingLog ? 50 : kMaxQuota;
  Limit limit{.name = "chat", .rate = {}, .algorithm = algorithm};
  limit.rate.quota = number(1, number(0, 1) == 0 ? 20 : most);
  limit.rate.window = {number(1, 3000), *rc::gen::element(Unit::kMillisecond, Unit::kSecond)};
  limit.alignment = *rc::gen::element(Alignment::kFirstHit, Alignment::kClock);
  limit.burst = std::min(number(0, number(0, 3) * limit.rate.quota), kMaxQuota);
  RC_PRE(!limit.complaint());
  return limit;
}

TEST(MoreAfterTest, IsEnoughAndAMicrosecondLessIsNot) {
  for (const auto& [name, algorithm] : kAlgorithmNames) {
    const Algorithm of = algorithm;
    EXPECT_TRUE(rc::check(std::string(name), [of] {
      const Limit limit = any_limit(of);
      const std::int64_t capacity = limit.terms().capacity;
      const std::int64_t window = limit.window().count();
      Kept kept;
      TimePoint now = kStart;
      for (std::int64_t steps = number(1, 40); steps > 0; --steps) {
        // Where a clock was set back, all but a bucket forget what lies ahead until it is reached.
        const std::int64_t back = is_bucket(of) ? window / 20 : 0;
        now += Duration(number(-back, number(0, 1) == 0 ? window / 9 : 2 * window));
        const std::int64_t cost = number(0, number(0, 2) == 0 ? capacity + 1 : 3);
        const Asked asked(kept, limit, cost, now);
        const Duration wait = asked.told.more_after;
        RC_ASSERT((wait == 0us) == (asked.told.remaining == capacity));
        if (wait == 0us) continue;
        RC_ASSERT(wait > 0us && wait <= asked.told.reset_after);
        RC_ASSERT(has_more(kept, asked, wait));
        RC_ASSERT(!has_more(kept, asked, wait - 1us));
      }
    }));
  }
}

}  // namespace
}  // namespace sluice::limits
