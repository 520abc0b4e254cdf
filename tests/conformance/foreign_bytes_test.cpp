// Bytes under a bucket's key that no charge leaves there: whatever limit meets them, the answer is
// a fault that changes nothing, or that of a fresh bucket.
#include <algorithm>
#include <cstdint>

#include <gtest/gtest.h>

#include "conformance/store_under_test.h"
#include "limits/bucket.h"

namespace sluice {
namespace {

using limits::Algorithm;
using limits::Alignment;
using limits::Balance;
using limits::Bucket;
using limits::Limit;
using limits::Unit;
using namespace std::chrono_literals;

constexpr TimePoint kNow{1'800'000'000s + 123'457us};

// 8 per 10 seconds; of a bucket, 16 at once.
Limit eight(Algorithm algorithm) {
  return {.name = "chat", .rate = {8, {10, Unit::kSecond}}, .burst = 16, .algorithm = algorithm};
}

// Three units in use.
Bucket bucket_of(Algorithm algorithm) {
  Bucket bucket{eight(algorithm).terms(), {}};
  const TimePoint at = kNow - 1s;
  if (algorithm == Algorithm::kFixedWindow) bucket.state = limits::FixedWindow{3, at};
  if (algorithm == Algorithm::kSlidingLog) bucket.state = limits::SlidingLog{{at, at, kNow}};
  if (algorithm == Algorithm::kSlidingWindow) bucket.state = limits::SlidingWindow{3, 0, at};
  if (is_bucket(algorithm)) {
    bucket.state = limits::Level{3 * bucket.terms.window_ticks(), kNow};
  }
  return bucket;
}

// The state with this for its count, where it can hold that, or for its time.
void set_count(Bucket& bucket, std::int64_t count) {
  if (auto* fixed = std::get_if<limits::FixedWindow>(&bucket.state)) fixed->used = count;
  if (auto* log = std::get_if<limits::SlidingLog>(&bucket.state)) {
    log->units.assign(static_cast<std::size_t>(std::clamp<std::int64_t>(count, 17, 40)), kNow);
  }
  if (auto* sliding = std::get_if<limits::SlidingWindow>(&bucket.state)) sliding->current = count;
  if (auto* level = std::get_if<limits::Level>(&bucket.state)) level->level = count;
}
void set_time(Bucket& bucket, TimePoint at) {
  if (auto* fixed = std::get_if<limits::FixedWindow>(&bucket.state)) fixed->opened_at = at;
  if (auto* log = std::get_if<limits::SlidingLog>(&bucket.state)) log->units.assign(3, at);
  if (auto* sliding = std::get_if<limits::SlidingWindow>(&bucket.state)) sliding->opened_at = at;
  if (auto* level = std::get_if<limits::Level>(&bucket.state)) level->at = at;
}

struct Spoilt {
  const char* what;
  void (*spoil)(Bucket& bucket);
};

constexpr std::int64_t kFourBytes = 0xffffffff;
constexpr TimePoint kBefore = limits::kFirstTime - 1us;
constexpr TimePoint kBeyond = limits::kLastTime + 1us;

const std::vector<Spoilt> kRows{
    {"a quota of four bytes", [](Bucket& b) { b.terms.quota = kFourBytes; }},
    {"a capacity of four bytes", [](Bucket& b) { b.terms.capacity = kFourBytes; }},
    {"both", [](Bucket& b) { b.terms.quota = b.terms.capacity = kFourBytes; }},
    {"no window", [](Bucket& b) { b.terms.window = 0s; }},
    {"a window beyond the largest", [](Bucket& b) { b.terms.window = limits::kMaxWindow + 1ms; }},
    {"a window of six bytes", [](Bucket& b) { b.terms.window = Duration(0xffffffffffff); }},
    {"a window of parts", [](Bucket& b) { b.terms.window = 10s - 1us; }},
    {"a window of no whole ticks",
     [](Bucket& b) {
       b.terms.quota = b.terms.capacity = limits::kMaxQuota;
       b.terms.window = limits::kMaxWindow - 1us;
     }},
    {"an endless drain",
     [](Bucket& b) {
       b.terms = {b.terms.algorithm, {}, 1, limits::kMaxQuota, limits::kMaxWindow};
       if (is_bucket(b.terms.algorithm)) set_count(b, 3'162'240'000'000'000);
     }},
    {"a calendar of no period", [](Bucket& b) { b.terms.alignment = Alignment::kCalendar; }},
    {"the alignment 3", [](Bucket& b) { b.terms.alignment = static_cast<Alignment>(3); }},
    {"the algorithm 6", [](Bucket& b) { b.terms.algorithm = static_cast<Algorithm>(6); }},
    {"no algorithm", [](Bucket& b) { b.terms.algorithm = static_cast<Algorithm>(0); }},
    {"more than there is", [](Bucket& b) { set_count(b, 160'000'001); }},
    {"the largest count", [](Bucket& b) { set_count(b, INT64_MAX); }},
    {"less than nothing", [](Bucket& b) { set_count(b, -1); }},
    {"a time that is none", [](Bucket& b) { set_time(b, kBefore); }},
    {"a time beyond the last", [](Bucket& b) { set_time(b, kBeyond); }},
    {"the first of all times", [](Bucket& b) { set_time(b, TimePoint::min()); }},
    {"the last of all times", [](Bucket& b) { set_time(b, TimePoint::max()); }},
};

class ForeignBytesTest : public testing::TestWithParam<std::string> {
 protected:
  // Peeks and charges find a fault and change nothing, or a fresh bucket.
  void expect_harmless(const std::string& bytes, const Limit& limit, const std::string& what) {
    const std::string key = "k";
    for (const std::int64_t cost : {0, 1, 8}) {
      store_->put(key, bytes);
      const std::string before = store_->contents();
      const auto decision = store_->try_take({{"beside", &beside_, 1}, {key, &limit, cost}}, kNow);
      if (decision) {
        const auto expected = fresh_->take({{"beside", &beside_, 1}, {key, &limit, cost}}, kNow);
        EXPECT_EQ(decision->allowed, expected.allowed) << what << ", cost " << cost;
        EXPECT_EQ(decision->balances.at(1), expected.balances.at(1)) << what << ", cost " << cost;
        EXPECT_TRUE(fresh_->reset({key, "beside"}) && store_->reset({"beside"}));
      } else {
        EXPECT_EQ(decision.error().code, ErrorCode::kStoreFault) << what;
        EXPECT_EQ(store_->contents(), before) << what << ", cost " << cost << ": a fault charged";
      }
      EXPECT_TRUE(store_->reset({key}));
    }
  }

  // Whatever limit meets them.
  void expect_harmless_to_all(const std::string& bytes, const std::string& what) {
    for (const auto& [name, algorithm] : limits::kAlgorithmNames) {
      for (const auto& [change, on_change] : limits::kOnChangeNames) {
        Limit limit = eight(algorithm);
        limit.on_change = on_change;
        expect_harmless(bytes, limit, what + ": " + std::string(name) + ", " + std::string(change));
      }
    }
  }

  const Limit beside_{.name = "beside", .rate = {100, {10, Unit::kSecond}}};
  std::unique_ptr<StoreUnderTest> store_ = make_store_under_test(GetParam());
  std::unique_ptr<StoreUnderTest> fresh_ = make_store_under_test("memory");
};

TEST_P(ForeignBytesTest, AreAFaultOrNoBucketButNeverNonsense) {
  for (const auto& [name, algorithm] : limits::kAlgorithmNames) {
    for (const Spoilt& row : kRows) {
      Bucket bucket = bucket_of(algorithm);
      row.spoil(bucket);
      const std::string bytes = encode(bucket);
      if (limits::decode(bytes)) continue;  // of this algorithm it is no nonsense
      expect_harmless_to_all(bytes, std::string(name) + ", " + row.what);
    }
  }
}

// What is no bar says nothing of who is let in, so nobody is.
TEST_P(ForeignBytesTest, InABarLetNobodyIn) {
  const Limit limit = eight(Algorithm::kFixedWindow);
  const std::string far(8, '\x7f');
  for (const std::string& bytes : {std::string("1"), std::string(7, '\0'), std::string(9, '\0'),
                                   far, encode(bucket_of(Algorithm::kFixedWindow))}) {
    store_->put("ended", bytes);
    const auto decision = store_->try_take({{"k", &limit, 1}}, kNow, {{"ended"}});
    ASSERT_FALSE(decision) << bytes.size();
    EXPECT_EQ(decision.error().code, ErrorCode::kStoreFault) << bytes.size();
    EXPECT_EQ(store_->reset({"ended", "k"}), 1) << "and nothing was charged";
  }
}

INSTANTIATE_TEST_SUITE_P(Stores, ForeignBytesTest, testing::Values("redis", "shm"),
                         [](const auto& name) { return name.param; });

}  // namespace
}  // namespace sluice
