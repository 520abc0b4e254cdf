// What holds of every algorithm, whatever the limit and however requests come.
#include <cmath>
#include <deque>
#include <random>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "limits/arithmetic.h"
#include "limits/outcome.h"

namespace sluice::limits {
namespace {

using namespace std::chrono_literals;

__extension__ typedef __int128 Wide;  // NOLINT(modernize-use-using)

struct Hit {
  TimePoint at;
  std::int64_t cost = 0;
};

std::int64_t number(std::int64_t least, std::int64_t most) {
  return *rc::gen::inRange(least, most + 1);
}

Limit any_limit(Algorithm algorithm) {
  const std::int64_t most = algorithm == Algorithm::kSlidingLog ? 50 : kMaxQuota;
  Limit limit{.name = "chat", .rate = {}, .algorithm = algorithm};
  limit.rate.quota = number(1, number(0, 1) == 0 ? 20 : most);
  limit.rate.window = {number(1, 3000), *rc::gen::element(Unit::kMillisecond, Unit::kSecond)};
  limit.alignment = *rc::gen::element(Alignment::kFirstHit, Alignment::kClock);
  if (number(0, 2) == 0) {
    limit.rate.window = {1, *rc::gen::element(Unit::kDay, Unit::kWeek, Unit::kMonth, Unit::kYear)};
    limit.alignment = *rc::gen::element(Alignment::kCalendar, Alignment::kClock);
    limit.time_zone = *rc::gen::element<std::string>("UTC", "Europe/Berlin", "Asia/Kolkata");
  }
  limit.burst = std::min(number(0, number(0, 3) * limit.rate.quota), kMaxQuota);
  RC_PRE(!limit.complaint());
  return limit;
}

// Hits at random, with time only forward: at once, microseconds, parts of a window, whole ones.
std::vector<Hit> any_hits(const Limit& limit) {
  const std::int64_t window = limit.window().count();
  TimePoint now(1'800'000'000s + Duration(number(0, 400'000'000'000)));
  std::vector<Hit> hits(static_cast<std::size_t>(number(1, 60)));
  for (Hit& hit : hits) {
    const std::int64_t pace =
        *rc::gen::element<std::int64_t>(0, 1, 100, window / 40 + 1, window / 5 + 1, window - 1);
    now += Duration(number(0, 3) == 0 ? number(1, 2) * pace + number(0, 1) : number(0, pace));
    hit = {now, number(0, number(0, 2) == 0 ? limit.terms().capacity + 1 : 3)};
  }
  return hits;
}

// A limit and its bucket, as a store keeps it.
struct Kept {
  Limit limit;
  Terms terms = limit.terms();
  std::optional<Bucket> bucket = std::nullopt;

  Step look(std::int64_t cost, TimePoint now) const { return take(bucket, limit, cost, now); }
  bool fits(std::int64_t cost, TimePoint now) const { return look(cost, now).fits; }
  bool admit(std::int64_t cost, TimePoint now) {
    Step step = look(cost, now);
    if (step.fits && cost > 0) bucket = std::move(step.after);
    return step.fits;
  }
  // Of a cost that does not fit, or of none.
  Balance left(std::int64_t cost, TimePoint now) const {
    return balance(view(look(0, now).after, limit, cost, now), limit, cost, now);
  }
};

class AlgorithmProperty : public testing::TestWithParam<Algorithm> {
 protected:
  // Checks `property` of a limit before each of random hits, which are then charged.
  template <class Property>
  static void check(const Property& property) {
    EXPECT_TRUE(rc::check([&] {
      Kept kept{any_limit(GetParam())};
      const std::vector<Hit> hits = any_hits(kept.limit);
      RC_LOG() << kept.limit.text() << ", burst " << kept.limit.burst << '\n';
      for (const Hit& hit : hits) {
        RC_LOG() << microseconds_since_epoch(hit.at) << " us: " << hit.cost << '\n';
        property(kept, hit);
        kept.admit(hit.cost, hit.at);
      }
    }));
  }
};

INSTANTIATE_TEST_SUITE_P(From1To5, AlgorithmProperty,
                         testing::Values(Algorithm(1), Algorithm(2), Algorithm(3), Algorithm(4),
                                         Algorithm(5)));

TEST_P(AlgorithmProperty, ADenialAndAPeekChangeNothing) {
  check([](const Kept& kept, const Hit& hit) {
    const Step peek = kept.look(0, hit.at);
    RC_ASSERT(peek.fits && peek.after == peek.before);
    const Step step = kept.look(hit.cost, hit.at);
    const std::vector<Charge> charges{{"key", &kept.limit, hit.cost}};
    const Lookup stored{[&](std::string_view, const Limit&) { return kept.bucket; }, {}};
    const Outcome outcome = decide({charges}, stored, hit.at);
    RC_ASSERT(outcome.decision.allowed == step.fits);
    RC_ASSERT(outcome.changes.size() == (step.fits && hit.cost > 0 ? 1U : 0U));
    if (!step.fits) RC_ASSERT(step.after == peek.before);
  });
}

TEST_P(AlgorithmProperty, WaitingRetryAfterIsEnoughAndAMicrosecondLessIsNot) {
  check([](const Kept& kept, const Hit& hit) {
    if (kept.fits(hit.cost, hit.at)) return;
    const Duration wait = kept.left(hit.cost, hit.at).retry_after;
    RC_ASSERT((wait == kNever) == (hit.cost > kept.terms.capacity));
    if (wait == kNever) return;
    RC_ASSERT(kept.fits(hit.cost, hit.at + wait));
    RC_ASSERT(!kept.fits(hit.cost, hit.at + wait - 1us));
  });
}

TEST_P(AlgorithmProperty, WhatRemainsFitsAndOneMoreDoesNot) {
  check([](const Kept& kept, const Hit& hit) {
    const std::int64_t remaining = kept.left(0, hit.at).remaining;
    RC_ASSERT(remaining >= 0 && remaining <= kept.terms.capacity);
    RC_ASSERT(kept.fits(remaining, hit.at));
    RC_ASSERT(!kept.fits(remaining + 1, hit.at));
  });
}

TEST_P(AlgorithmProperty, AtTheResetAllIsBackAndAMicrosecondEarlierItIsNot) {
  check([](const Kept& kept, const Hit& hit) {
    const Balance now = kept.left(0, hit.at);
    RC_ASSERT((now.reset_after == 0us) == (now.remaining == kept.terms.capacity));
    const Duration later = kept.look(0, hit.at).keep_for - now.reset_after;
    RC_ASSERT(later == 0us || (kept.terms.algorithm == Algorithm::kSlidingWindow && later > 0us));
    const TimePoint reset = hit.at + now.reset_after;
    RC_ASSERT(kept.left(0, reset).remaining == kept.terms.capacity);
    if (now.reset_after == 0us) return;
    RC_ASSERT(kept.left(0, reset - 1us).remaining < kept.terms.capacity);
  });
}

TEST_P(AlgorithmProperty, ABucketForgottenAfterKeepForIsNotMissed) {
  std::optional<Bucket> forgetful;
  TimePoint expires_at{};
  check([&](const Kept& kept, const Hit& hit) {
    if (!kept.bucket || expires_at <= hit.at) forgetful = std::nullopt;
    const Step step = take(forgetful, kept.limit, hit.cost, hit.at);
    const Step other = kept.look(hit.cost, hit.at);
    RC_ASSERT(step.fits == other.fits);
    RC_ASSERT(step.before == other.before);
    RC_ASSERT(step.after == other.after);
    if (!step.fits || hit.cost == 0) return;
    RC_ASSERT(step.keep_for > 0us);
    forgetful = step.after;
    expires_at = hit.at + step.keep_for;
  });
}

TEST_P(AlgorithmProperty, ACostIsThatManyUnits) {
  check([](const Kept& kept, const Hit& hit) {
    if (hit.cost > 100) return;
    Kept split = kept;
    std::int64_t admitted = 0;
    for (std::int64_t i = 0; i < hit.cost; ++i) admitted += split.admit(1, hit.at) ? 1 : 0;
    const Step whole = kept.look(hit.cost, hit.at);
    RC_ASSERT(whole.fits == (admitted == hit.cost));
    if (whole.fits && hit.cost > 0) RC_ASSERT(whole.after == split.bucket);
  });
}

std::int64_t sum_since(const std::vector<Hit>& hits, TimePoint from) {
  std::int64_t sum = 0;
  for (auto hit = hits.rbegin(); hit != hits.rend() && hit->at >= from; ++hit) sum += hit->cost;
  return sum;
}

// The most units in any (t - window, t]. No sliding_window admits more than the quota, and an
// interval meets two (OfAnAdversary does reach that): of P units of the one before, those of its
// last part count that came later in it than t does, and make no room but for floor(P * part).
std::int64_t bound(const Terms& terms) {
  return terms.quota + (terms.algorithm == Algorithm::kSlidingLog ? 0 : terms.capacity);
}

// The room that `admitted` leaves, counted anew; not for sliding_window and the calendar.
std::optional<std::int64_t> room(const Kept& kept, std::vector<Hit> admitted, TimePoint now) {
  const auto& [limit, terms, bucket] = kept;
  if (terms.algorithm == Algorithm::kSlidingWindow || terms.alignment == Alignment::kCalendar) {
    return std::nullopt;
  }
  if (terms.algorithm == Algorithm::kSlidingLog) {
    return terms.quota - sum_since(admitted, now - terms.window + 1us);
  }
  if (terms.algorithm == Algorithm::kFixedWindow) {
    TimePoint start{};
    for (const Hit& hit : admitted) {
      if (hit.at < start + terms.window) continue;
      start = hit.at;
      if (limit.alignment == Alignment::kClock) start -= hit.at.time_since_epoch() % terms.window;
    }
    return terms.quota - (now < start + terms.window ? sum_since(admitted, start) : 0);
  }
  Wide level = 0;  // in units times microseconds
  TimePoint at{};
  admitted.push_back({now, 0});
  for (const Hit& hit : admitted) {
    level = std::max<Wide>(0, level - static_cast<Wide>((hit.at - at).count()) * terms.quota);
    level += static_cast<Wide>(hit.cost) * terms.window.count();
    at = hit.at;
  }
  return terms.capacity -
         static_cast<std::int64_t>((level + terms.window.count() - 1) / terms.window.count());
}

TEST_P(AlgorithmProperty, AdmitsWhatThereIsRoomForAndNoIntervalIsOverItsBound) {
  std::vector<Hit> admitted;
  check([&](const Kept& kept, const Hit& hit) {
    if (!kept.bucket) admitted.clear();
    const auto remaining = kept.left(0, hit.at).remaining;
    const auto expected = room(kept, admitted, hit.at).value_or(remaining);
    // A coarse tick is behind or ahead by what it drains.
    const std::int64_t blur = kept.terms.quota / kept.terms.window_ticks() + 1;
    RC_ASSERT(std::abs(remaining - expected) <= (kept.terms.tick > 1us ? blur : 0));
    if (hit.cost > 0 && kept.fits(hit.cost, hit.at)) admitted.push_back(hit);
    if (kept.terms.alignment == Alignment::kCalendar) return;  // its windows differ in length
    RC_ASSERT(sum_since(admitted, hit.at - kept.terms.window + 1us) <= bound(kept.terms));
  });
}

// How near sliding_window comes to an exact log: percent of all decisions, and units.
struct Nearness {
  double lenient = 0;     // allowed, where a log of the units that it admitted has no room
  double different = 0;   // from those of a log that counts for itself
  double admitted = 0;    // in percent of what that log admits
  std::int64_t over = 0;  // the most units above the quota in any window
};

Nearness nearness(std::int64_t quota, const std::vector<TimePoint>& hits) {
  const double share = 100 / static_cast<double>(hits.size());
  Kept kept{
      {.name = "", .rate = {quota, {10, Unit::kSecond}}, .algorithm = Algorithm::kSlidingWindow}};
  std::deque<TimePoint> own;
  std::deque<TimePoint> log;
  Nearness result;
  double log_count = 0;
  for (const TimePoint now : hits) {
    while (!own.empty() && own.front() + 10s <= now) own.pop_front();
    while (!log.empty() && log.front() + 10s <= now) log.pop_front();
    const bool fits = kept.admit(1, now);
    const bool log_fits = std::ssize(log) < quota;
    result.lenient += fits && std::ssize(own) >= quota ? share : 0;
    result.different += fits != log_fits ? share : 0;
    result.admitted += fits ? 1 : 0;
    log_count += log_fits ? 1 : 0;
    if (fits) own.push_back(now);
    if (log_fits) log.push_back(now);
    result.over = std::max(result.over, std::ssize(own) - quota);
  }
  result.admitted *= 100 / log_count;
  return result;
}

// The end of a window of P is above its even share by x roots of P in one of exp(2 * x * x) at most
// (Massart, 1990): by 2 in one of 2981, and here are 2000. 1 more is for the rounding.
TEST(SlidingWindowNearness, OfPoissonArrivals) {
  for (const std::int64_t quota : {10, 100, 1000}) {
    for (const double load : {0.5, 0.8, 1.0, 1.5, 10.0}) {
      std::mt19937_64 random(20270115);
      std::vector<TimePoint> hits;
      for (double now = 1.8e15; hits.size() < 20'000;) {
        const double gap = -std::log(1 - std::generate_canonical<double, 53>(random));
        now += gap * 1e7 / (load * static_cast<double>(quota));
        hits.emplace_back(Duration(static_cast<std::int64_t>(now)));
      }
      const Nearness n = nearness(quota, hits);
      fmt::print("{} * {}: {:.2f}% lenient, {:.2f}% different, {} over, {:.2f}%\n", quota, load,
                 n.lenient, n.different, n.over, n.admitted);
      EXPECT_LE(static_cast<double>(n.over), 2 * std::sqrt(quota) + 1);
    }
  }
}

// All of a window, all of the next at its end, and all again as soon as those weigh none.
TEST(SlidingWindowNearness, OfAnAdversary) {
  for (const std::int64_t quota : {1, 2, 3, 10, 100, 1000}) {
    std::vector<TimePoint> hits;
    for (const Duration at : {Duration(0s), 20s - 1us, 30s + 1us - Duration(10'000'000 / quota)}) {
      hits.insert(hits.end(), static_cast<std::size_t>(quota), TimePoint(1'800'000'000s + at));
    }
    EXPECT_EQ(nearness(quota, hits).over, quota);
  }
}

}  // namespace
}  // namespace sluice::limits
