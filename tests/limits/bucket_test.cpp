#include "limits/bucket.h"

#include <algorithm>
#include <random>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace sluice::limits {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint kStart{1'800'000'000s + 1us};

std::string hex(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) text += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  return text;
}

Terms terms(Algorithm algorithm) {
  return {
      .algorithm = algorithm, .quota = 8, .capacity = is_bucket(algorithm) ? 16 : 8, .window = 10s};
}

struct Golden {
  std::string hex;
  Bucket bucket;
};

constexpr std::size_t kTermsSize = 15;

// Stores hold such bytes: what is written here must be read for ever.
std::vector<Golden> goldens() {
  const std::string figures = "0800000008000000809698000000";  // quota, capacity, window
  const std::string burst = "0800000010000000809698000000";
  const std::string start = "0180982817650600";
  Terms calendar = terms(Algorithm::kFixedWindow);
  calendar.alignment = Alignment::kCalendar;
  calendar.window = 24h;
  Terms largest = terms(Algorithm::kSlidingWindow);
  largest.quota = largest.capacity = kMaxQuota;
  largest.window = kMaxWindow;
  largest.tick = 10s;
  return {
      {"01" + figures + "03000000" + start,
       {terms(Algorithm::kFixedWindow), FixedWindow{3, kStart}}},
      {"210800000008000000"
       "0060d71d1400"
       "03000000" +
           start,
       {calendar, FixedWindow{3, kStart}}},
      {"02" + figures, {terms(Algorithm::kSlidingLog), SlidingLog{}}},
      {"02" + figures + start + start + "41c2a72817650600",
       {terms(Algorithm::kSlidingLog), SlidingLog{{kStart, kStart, kStart + 1s}}}},
      {"03" + figures + "0300000008000000" + start,
       {terms(Algorithm::kSlidingWindow), SlidingWindow{3, 8, kStart}}},
      {"04" + burst + "0068890900000000" + start,
       {terms(Algorithm::kTokenBucket), Level{160'000'000, kStart}}},
      {"05" + burst + "0100000000000000" + start,
       {terms(Algorithm::kLeakyBucket), Level{1, kStart}}},
      {"0300ca9a3b00ca9a3b0040eba9c21c00ca9a3b00000000" + start,
       {largest, SlidingWindow{kMaxQuota, 0, kStart}}},
  };
}

std::string bytes_of(std::string_view text) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(std::string(text.substr(i, 2)), nullptr, 16));
  }
  return bytes;
}

TEST(BucketBytesTest, AreTheseForEver) {
  for (const Golden& golden : goldens()) {
    EXPECT_EQ(hex(encode(golden.bucket)), golden.hex);
    EXPECT_EQ(decode(bytes_of(golden.hex)), golden.bucket) << golden.hex;
    std::string terms = "before";
    append(terms, golden.bucket.terms);
    EXPECT_EQ(hex(terms), hex("before") + golden.hex.substr(0, 2 * kTermsSize));
    const bool is_log = golden.bucket.terms.algorithm == Algorithm::kSlidingLog;
    EXPECT_TRUE(is_log || golden.hex.size() <= 62) << "strings above 31 bytes cost Lua more";
  }
}

TEST(BucketBytesTest, OfAnotherSizeAreRefused) {
  for (const Golden& golden : goldens()) {
    const std::string bytes = bytes_of(golden.hex);
    const bool is_log = golden.bucket.terms.algorithm == Algorithm::kSlidingLog;
    const std::string last = bytes.substr(bytes.size() - 8);  // of a log: a unit, now several
    for (std::size_t size = 0; size < bytes.size() + 20; ++size) {
      const std::string other = (bytes + last + last + last).substr(0, size);
      const bool good =
          size == bytes.size() || (is_log && size >= kTermsSize && (size - kTermsSize) % 8 == 0);
      EXPECT_EQ(decode(other).has_value(), good) << golden.hex << " as " << size << " bytes";
    }
  }
}

TEST(BucketBytesTest, OfNoAlgorithmOrAlignmentAreRefused) {
  for (const Golden& golden : goldens()) {
    std::string bytes = bytes_of(golden.hex);
    for (int kind = 0; kind <= 255; ++kind) {
      bytes[0] = static_cast<char>(kind);
      const auto bucket = decode(bytes);
      const bool known = kind % 16 >= 1 && kind % 16 <= 5 && kind / 16 <= 2;
      EXPECT_TRUE(!bucket || known) << kind;
      EXPECT_TRUE(!bucket || encode(*bucket) == bytes);
    }
  }
}

// encode() makes none of these of a bucket that was ever charged.
TEST(BucketBytesTest, ThatNoBucketHasAreRefused) {
  const auto expect_refused = [](const char* what, Bucket bucket, auto&& spoil) {
    spoil(bucket);
    EXPECT_FALSE(decode(encode(bucket))) << what;
  };
  const Bucket fixed{terms(Algorithm::kFixedWindow), FixedWindow{3, kStart}};
  const Bucket level{terms(Algorithm::kTokenBucket), Level{1, kStart}};
  const Bucket sliding{terms(Algorithm::kSlidingWindow), SlidingWindow{3, 8, kStart}};
  const Bucket log{terms(Algorithm::kSlidingLog), SlidingLog{{kStart, kStart + 1s}}};
  for (const Bucket& good : {fixed, log, sliding, level}) EXPECT_EQ(decode(encode(good)), good);
  expect_refused("terms that no limit has", level, [](Bucket& b) {
    b = {{Algorithm::kTokenBucket, {}, 1, kMaxQuota, kMaxWindow, 10s},
         Level{kMaxQuota * (kMaxWindow / 10s), kStart}};  // to drain it takes more than 64 bits
  });
  expect_refused("more used than there is", fixed, [](Bucket& b) {
    b.state = FixedWindow{9, kStart};
  });
  expect_refused("a window above its quota", sliding, [](Bucket& b) {
    b.state = SlidingWindow{9, 0, kStart};
  });
  expect_refused("or the one before", sliding, [](Bucket& b) {
    b.state = SlidingWindow{0, 9, kStart};
  });
  expect_refused("a log of more than its quota", log,
                 [](Bucket& b) { b.state = SlidingLog{std::vector<TimePoint>(9, kStart)}; });
  expect_refused("a negative level", level, [](Bucket& b) { b.state = Level{-1, kStart}; });
  expect_refused("a level above the brim", level, [](Bucket& b) {
    b.state = Level{160'000'001, kStart};
  });
  // What is added to such a time, or taken from it, would overflow.
  for (const TimePoint at :
       {kFirstTime - 1us, kLastTime + 1us, TimePoint::min(), TimePoint::max()}) {
    expect_refused("no time for a window", fixed, [&](Bucket& b) { b.state = FixedWindow{3, at}; });
    expect_refused("or a log", log, [&](Bucket& b) { b.state = SlidingLog{{at}}; });
    expect_refused("or two windows", sliding, [&](Bucket& b) {
      b.state = SlidingWindow{3, 8, at};
    });
    expect_refused("or a level", level, [&](Bucket& b) { b.state = Level{1, at}; });
  }
  expect_refused("a log out of order", log, [](Bucket& b) {
    b.state = SlidingLog{{kStart + 1s, kStart}};
  });
}

State any_state(const Terms& terms) {
  const auto count = [&] { return *rc::gen::inRange<std::int64_t>(0, terms.capacity + 1); };
  const auto at = [] {
    const auto last = microseconds_since_epoch(kLastTime);
    return TimePoint(Duration(*rc::gen::inRange<std::int64_t>(0, last + 1)));
  };
  switch (terms.algorithm) {
    case Algorithm::kFixedWindow:
      return FixedWindow{count(), at()};
    case Algorithm::kSlidingLog: {
      SlidingLog log;
      for (std::int64_t i = std::min(count(), *rc::gen::inRange<std::int64_t>(0, 20)); i > 0; --i) {
        log.units.push_back(at());
      }
      std::sort(log.units.begin(), log.units.end());
      return log;
    }
    case Algorithm::kSlidingWindow:
      return SlidingWindow{count(), count(), at()};
    default:
      return Level{*rc::gen::inRange<std::int64_t>(0, terms.capacity * terms.window_ticks() + 1),
                   at()};
  }
}

RC_GTEST_PROP(BucketBytesPropertyTest, AreReadAsTheyWereWritten, ()) {
  // Windows of which a tick is a part, for any capacity.
  const auto window = *rc::gen::arbitrary<bool>()
                          ? 1ms * *rc::gen::inRange<std::int64_t>(1, 4'000'000)
                          : 10s * *rc::gen::inRange<std::int64_t>(1, kMaxWindow / 10s + 1);
  Bucket bucket;
  bucket.terms = {
      .algorithm = static_cast<Algorithm>(*rc::gen::inRange(1, 6)),
      .alignment = Alignment::kFirstHit,
      .quota = *rc::gen::inRange<std::int64_t>(0, kMaxQuota + 1),
      .capacity = *rc::gen::inRange<std::int64_t>(0, kMaxQuota + 1),
      .window = window,
      .tick = 1us,
  };
  if (bucket.terms.algorithm == Algorithm::kSlidingLog) bucket.terms.quota %= kMaxLogQuota + 1;
  if (!is_bucket(bucket.terms.algorithm)) bucket.terms.capacity = bucket.terms.quota;
  if (bucket.terms.algorithm == Algorithm::kFixedWindow) {
    bucket.terms.alignment = static_cast<Alignment>(*rc::gen::inRange(0, 3));
  }
  if (bucket.terms.alignment == Alignment::kCalendar) bucket.terms.window = 24h;
  bucket.terms.tick = tick_of(bucket.terms);  // is not stored
  RC_PRE(is_possible(bucket.terms));
  bucket.state = any_state(bucket.terms);
  RC_ASSERT(decode(encode(bucket)) == bucket);
}

TEST(BucketBytesTest, OfGarbageAreRefusedOrReadToTheLast) {
  std::mt19937_64 random(20270115);
  int read = 0;
  constexpr int kCount = 200'000;
  for (int i = 0; i < kCount; ++i) {
    std::string bytes(random() % 80, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    if (!bytes.empty() && i % 2 == 0) bytes[0] = static_cast<char>(random() % 7);
    const auto bucket = decode(bytes);
    if (!bucket) continue;
    ++read;
    ASSERT_EQ(hex(encode(*bucket)), hex(bytes));
  }
  EXPECT_LT(read, kCount / 50);
}

TEST(ViewBytesTest, AreTakenOffTheFront) {
  struct Row {
    Algorithm algorithm;
    std::string hex;
    View view;
  };
  const std::string start = "0180982817650600";
  const std::vector<Row> rows{
      {Algorithm::kFixedWindow, "03000000" + start, FixedWindow{3, kStart}},
      {Algorithm::kSlidingLog, "03000000" + start + "0000000000000000", LogView{3, kStart, {}}},
      {Algorithm::kSlidingLog, "00000000" + start + start, LogView{0, kStart, kStart}},
      {Algorithm::kSlidingWindow,
       "03000000"
       "00ca9a3b" +
           start,
       SlidingWindow{3, kMaxQuota, kStart}},
      {Algorithm::kTokenBucket, "0000000000001000" + start, Level{kMaxProduct, kStart}},
      {Algorithm::kLeakyBucket, "0100000000000000" + start, Level{1, kStart}},
  };
  for (const Row& row : rows) {
    const std::string bytes = bytes_of(row.hex) + "next";
    std::string_view rest = bytes;
    EXPECT_EQ(decode_view(row.algorithm, rest), row.view) << row.hex;
    EXPECT_EQ(rest, "next");
    for (std::size_t size = 0; size < bytes.size() - 4; ++size) {
      rest = std::string_view(bytes).substr(0, size);
      EXPECT_EQ(decode_view(row.algorithm, rest), std::nullopt);
      EXPECT_EQ(rest.size(), size);
    }
  }
}

}  // namespace
}  // namespace sluice::limits
