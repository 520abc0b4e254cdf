#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "limits/bytes.h"
#include "store/redis/take_call.h"

namespace sluice::store {
namespace {

using limits::Algorithm;
using limits::append_integer;
using namespace std::chrono_literals;

constexpr std::int64_t kNow = 1'800'000'000'000'000;
constexpr std::int64_t kWindow = 10'000'000;

// The reply to one charge of `cost` under 8 per 10 seconds.
class TakeReplyTest : public testing::Test {
 protected:
  TakeReplyTest() { append_integer<std::int64_t>(bytes_, kNow); }

  void add(std::uint16_t lacking) { append_integer<std::uint16_t>(bytes_, lacking); }
  void add_window(std::uint32_t used, std::int64_t opened_at) {
    append_integer<std::uint32_t>(bytes_, used);
    append_integer<std::int64_t>(bytes_, opened_at);
  }
  void add_sliding(std::uint32_t current, std::uint32_t previous, std::int64_t opened_at) {
    append_integer<std::uint32_t>(bytes_, current);
    add_window(previous, opened_at);
  }
  void add_log(std::uint32_t used, std::int64_t newest, std::int64_t pivot) {
    add_window(used, newest);
    append_integer<std::int64_t>(bytes_, pivot);
  }
  void add_level(std::int64_t level, std::int64_t at) {
    append_integer<std::int64_t>(bytes_, level);
    append_integer<std::int64_t>(bytes_, at);
  }

  Result<limits::Decision> read(Algorithm algorithm, std::int64_t cost = 1) {
    limit_.algorithm = algorithm;
    const std::vector<limits::Charge> charges{{"key", &limit_, cost}};
    TakeReply reply(bytes_);
    const TimePoint at = reply.at();
    auto decision = reply.decision(at, {charges, bars_});
    EXPECT_EQ(reply.is_whole(), decision.has_value());
    bytes_.resize(sizeof kNow);
    return decision;
  }
  std::string error(Algorithm algorithm, std::int64_t cost = 1) {
    const auto decision = read(algorithm, cost);
    return decision ? "none" : decision.error().detail;
  }

  limits::Limit limit_{.name = "chat", .rate = {8, {10, limits::Unit::kSecond}}};
  std::vector<limits::Bar> bars_;
  std::string bytes_;
};

constexpr const char* kNonsense = "ERR the script's reply makes no sense";
constexpr const char* kCutShort = "ERR the script's reply is cut short";

TEST_F(TakeReplyTest, ReadsADecision) {
  add(0);
  add_window(3, kNow - 1);
  const auto decision = read(Algorithm::kFixedWindow);
  ASSERT_TRUE(decision);
  EXPECT_TRUE(decision->allowed);
  EXPECT_EQ(decision->balances.at(0).remaining, 5);
  add(1);
  add_window(8, kNow - 1);
  const auto denied = read(Algorithm::kFixedWindow);
  ASSERT_TRUE(denied);
  EXPECT_FALSE(denied->allowed);
  EXPECT_EQ(denied->balances.at(0).retry_after, 10s - 1us);
}

TEST_F(TakeReplyTest, ReadsWhenAUnitOfALogLeaves) {
  add(0);
  add_log(3, kNow - 1, kNow - 7);
  const auto decision = read(Algorithm::kSlidingLog);
  ASSERT_TRUE(decision);
  EXPECT_EQ(decision->balances.at(0), (limits::Balance{5, 10s - 1us, 0s, 10s - 7us}));
}

TEST_F(TakeReplyTest, ReadsUntilWhenABarStands) {
  bars_ = {{"ended"}, {"locked"}};
  const auto add_bars = [&](std::int64_t first, std::int64_t second) {
    add(0x8000);
    add_window(3, kNow - 1);
    append_integer<std::int64_t>(bytes_, first);
    append_integer<std::int64_t>(bytes_, second);
  };
  add_bars(0, kNow + 5);
  const auto decision = read(Algorithm::kFixedWindow);
  ASSERT_TRUE(decision);
  EXPECT_FALSE(decision->allowed);
  EXPECT_FALSE(decision->denied_by(0));
  EXPECT_EQ(decision->bars, (std::array<Duration, limits::kMaxBars>{0us, 5us}));
  for (const std::int64_t wrong :
       {kNow, kNow - 1, std::int64_t{-1}, std::int64_t{INT64_MAX}, std::int64_t{0}}) {
    add_bars(0, wrong);
    EXPECT_EQ(error(Algorithm::kFixedWindow), kCutShort) << wrong;
  }
}

TEST_F(TakeReplyTest, BelievesInNoMarkThatNobodyAskedFor) {
  add(0x4000);
  add_window(3, kNow - 1);
  EXPECT_EQ(error(Algorithm::kFixedWindow), kCutShort);
}

TEST_F(TakeReplyTest, SaysWhereAnErrorIsCutShortOrHasNoText) {
  add(0xffff);
  EXPECT_EQ(error(Algorithm::kFixedWindow), kCutShort);
  add(0xffff);
  add(5);
  bytes_ += "ERR";
  EXPECT_EQ(error(Algorithm::kFixedWindow), kCutShort);
  add(0xffff);
  add(5);
  EXPECT_EQ(error(Algorithm::kFixedWindow), kCutShort);
  for (const bool goes_on : {false, true}) {
    add(0xffff);
    add(0);
    if (goes_on) add_window(3, kNow);
    EXPECT_EQ(error(Algorithm::kFixedWindow), kCutShort);
  }
}

TEST_F(TakeReplyTest, RefusesMoreThanThereIs) {
  add(0);
  add_window(9, kNow);
  EXPECT_EQ(error(Algorithm::kFixedWindow), kNonsense);
  add(0);
  add_log(9, kNow, 0);
  EXPECT_EQ(error(Algorithm::kSlidingLog), kNonsense);
  add(0);
  add_sliding(9, 0, kNow);
  EXPECT_EQ(error(Algorithm::kSlidingWindow), kNonsense);
  add(0);
  add_sliding(0, 9, kNow);
  EXPECT_EQ(error(Algorithm::kSlidingWindow), kNonsense);
  for (const std::int64_t level : {std::int64_t{-1}, 8 * kWindow + 1}) {
    add(0);
    add_level(level, kNow);
    EXPECT_EQ(error(Algorithm::kTokenBucket), kNonsense);
  }
}

// Its wait would be over before it began, or overflow.
TEST_F(TakeReplyTest, RefusesWhatNoLongerCounts) {
  for (const std::int64_t at :
       {kNow - 2 * kWindow, kNow + kWindow + 1, std::int64_t{INT64_MIN}, std::int64_t{INT64_MAX}}) {
    add(0);
    add_window(3, at);
    EXPECT_EQ(error(Algorithm::kFixedWindow), kNonsense) << at;
    add(0);
    add_log(3, at, 0);
    EXPECT_EQ(error(Algorithm::kSlidingLog), kNonsense) << at;
    add(0);
    add_sliding(3, 3, at);
    EXPECT_EQ(error(Algorithm::kSlidingWindow), kNonsense) << at;
    add(0);
    add_level(3 * kWindow, at);
    EXPECT_EQ(error(Algorithm::kTokenBucket), kNonsense) << at;
  }
}

TEST_F(TakeReplyTest, RefusesADenialOfWhatFits) {
  add(1);
  add_window(7, kNow);
  EXPECT_EQ(error(Algorithm::kFixedWindow), kNonsense);
  add(1);
  add_window(8, kNow);
  EXPECT_EQ(error(Algorithm::kFixedWindow, 0), kNonsense) << "a peek always fits";
  add(1);
  add_log(8, kNow, 0);
  EXPECT_EQ(error(Algorithm::kSlidingLog), kNonsense) << "no unit has to leave";
  add(1);
  add_sliding(0, 0, kNow);
  EXPECT_EQ(error(Algorithm::kSlidingWindow), kNonsense);
  add(1);
  add_level(kWindow, kNow);
  EXPECT_EQ(error(Algorithm::kTokenBucket), kNonsense);
}

TEST_F(TakeReplyTest, RefusesALogWithoutTheUnitThatLeaves) {
  for (const std::int64_t pivot : {std::int64_t{0}, kNow - kWindow, kNow}) {
    add(0);
    add_log(3, kNow - 1, pivot);
    EXPECT_EQ(error(Algorithm::kSlidingLog), kNonsense) << pivot;
  }
}

// How long a bar still stands, counted from such a time, could overflow.
TEST_F(TakeReplyTest, RefusesATimeThatIsNone) {
  bars_ = {{"ended"}};
  for (const std::int64_t wrong : {std::int64_t{-1}, INT64_MIN, INT64_MAX}) {
    for (const bool is_barred : {false, true}) {
      bytes_.clear();
      append_integer<std::int64_t>(bytes_, wrong);
      add(is_barred ? 0x8000 : 0);
      add_window(0, 0);
      if (is_barred) append_integer<std::int64_t>(bytes_, kNow);
      EXPECT_EQ(error(Algorithm::kFixedWindow), kCutShort) << wrong;
    }
  }
}

}  // namespace
}  // namespace sluice::store
