#include "limits/rate.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace sluice::limits {
namespace {

TEST(ParseRate, ReadsEveryWayToWriteOne) {
  struct Row {
    std::string text;
    Rate rate;
  };
  const std::vector<Row> rows{
      {"8/10s", {8, {10, Unit::kSecond}}},
      {"8/10 seconds", {8, {10, Unit::kSecond}}},
      {"8 per 10 seconds", {8, {10, Unit::kSecond}}},
      {"8 PER 10 Sec", {8, {10, Unit::kSecond}}},
      {" 8 / 10 SECONDS ", {8, {10, Unit::kSecond}}},
      {"8per10s", {8, {10, Unit::kSecond}}},
      {"8 per minute", {8, {1, Unit::kMinute}}},
      {"10/minute", {10, {1, Unit::kMinute}}},
      {"10/m", {10, {1, Unit::kMinute}}},
      {"10/5mins", {10, {5, Unit::kMinute}}},
      {"10/60s", {10, {60, Unit::kSecond}}},
      {"1/500ms", {1, {500, Unit::kMillisecond}}},
      {"1/millisecond", {1, {1, Unit::kMillisecond}}},
      {"3/2hrs", {3, {2, Unit::kHour}}},
      {"3/h", {3, {1, Unit::kHour}}},
      {"100/day", {100, {1, Unit::kDay}}},
      {"100/d", {100, {1, Unit::kDay}}},
      {"100/w", {100, {1, Unit::kWeek}}},
      {"100/2weeks", {100, {2, Unit::kWeek}}},
      {"100 per WEEK", {100, {1, Unit::kWeek}}},
      {"100/mo", {100, {1, Unit::kMonth}}},
      {"100/12 months", {100, {12, Unit::kMonth}}},
      {"100/month", {100, {1, Unit::kMonth}}},
      {"100/y", {100, {1, Unit::kYear}}},
      {"100/year", {100, {1, Unit::kYear}}},
      {"100/1years", {100, {1, Unit::kYear}}},
      {"0/s", {0, {1, Unit::kSecond}}},
      {"08/010s", {8, {10, Unit::kSecond}}},
      {"1000000000/366 days", {kMaxQuota, {366, Unit::kDay}}},
      {"1/31622400000ms", {1, {31'622'400'000, Unit::kMillisecond}}},
  };
  for (const Row& row : rows) {
    const auto rate = parse_rate(row.text);
    ASSERT_TRUE(rate) << row.text << ": " << rate.error().detail;
    EXPECT_EQ(*rate, row.rate) << row.text;
  }
}

TEST(ParseRate, SaysWhatIsWrong) {
  const std::string expected =
      "expected a rate such as \"8 per 10 seconds\", \"8/10s\" or \"100/day\"";
  const std::string units = "use ms, second, minute, hour, day, week, month or year";
  const std::string long_window = "window is above 366 days";
  struct Row {
    std::string text;
    std::string why;
  };
  const std::vector<Row> rows{
      {"", expected},
      {" ", expected},
      {"8", expected},
      {"8/", expected},
      {"8 per", expected},
      {"8/10", expected},
      {"/10s", expected},
      {"s", expected},
      {"-1/s", expected},
      {"8/-10s", expected},
      {"8.5/s", expected},
      {"8/1.5s", expected},
      {"8//s", expected},
      {"8 a 10 seconds", expected},
      {"8 perminute", expected},
      {"8/10s x", expected},
      {"8/10s;", expected},
      {"8/10 per s", expected},
      {"9999999999999999999/s", expected},
      {"8/9999999999999999999s", expected},
      {"8/10 parsecs", "unknown unit \"parsecs\"; " + units},
      {"8/10 mss", "unknown unit \"mss\"; " + units},
      {"8/10 fortnights", "unknown unit \"fortnights\"; " + units},
      {"8/10 ws", "unknown unit \"ws\"; " + units},
      {"8/0s", "window is below 1"},
      {"1000000001/s", "quota is above 1000000000"},
      {"99999999999/s", "quota is above 1000000000"},
      {"8/400 days", long_window},
      {"8/367 days", long_window},
      {"8/53 weeks", long_window},
      {"8/13 months", long_window},
      {"8/2 years", long_window},
      {"8/31622401s", long_window},
      {"8/31622400001ms", long_window},
      {"8/30000000000 days", long_window},
      {"8/213503982334602 days", long_window},
      {"8/999999999999999999ms", long_window},
  };
  for (const Row& row : rows) {
    const auto rate = parse_rate(row.text);
    ASSERT_FALSE(rate) << row.text;
    EXPECT_EQ(rate.error().code, ErrorCode::kInvalidConfig);
    EXPECT_EQ(rate.error().detail, "\"" + row.text + "\": " + row.why);
  }
}

TEST(ParseRates, ReadsOneOrSeveral) {
  const Rate day{100, {1, Unit::kDay}};
  const Rate minute{10, {1, Unit::kMinute}};
  const Rate second{1, {1, Unit::kSecond}};
  struct Row {
    std::string text;
    std::vector<Rate> rates;
  };
  const std::vector<Row> rows{
      {"100/day", {day}},
      {" 100/day ", {day}},
      {"100/day; 10/minute", {day, minute}},
      {"10/minute,100/day", {minute, day}},
      {"100 per day|10 per minute ; 1/s", {day, minute, second}},
      {"1/s;1/2s;1/3s;1/4s;1/5s;1/6s;1/7s;1/8s",
       {second,
        {1, {2, Unit::kSecond}},
        {1, {3, Unit::kSecond}},
        {1, {4, Unit::kSecond}},
        {1, {5, Unit::kSecond}},
        {1, {6, Unit::kSecond}},
        {1, {7, Unit::kSecond}},
        {1, {8, Unit::kSecond}}}},
  };
  for (const Row& row : rows) {
    const auto rates = parse_rates(row.text);
    ASSERT_TRUE(rates) << row.text << ": " << rates.error().detail;
    EXPECT_EQ(*rates, row.rates) << row.text;
  }
}

TEST(ParseRates, SaysWhatIsWrong) {
  const std::string expected =
      "expected a rate such as \"8 per 10 seconds\", \"8/10s\" or \"100/day\"";
  const std::string missing = "a rate is missing; write several as in \"100/day; 10/minute\"";
  struct Row {
    std::string text;
    std::string error;
  };
  const std::vector<Row> rows{
      {"", "\"\": " + expected},
      {"fast", "\"fast\": " + expected},
      {"100/day; fast", "\"fast\": " + expected},
      {"100/day 10/minute", "\"100/day 10/minute\": " + expected},
      {";", "\";\": " + missing},
      {"100/day;", "\"100/day;\": " + missing},
      {"; 100/day", "\"; 100/day\": " + missing},
      {"100/day; ; 10/s", "\"100/day; ; 10/s\": " + missing},
      {"100/day; 10/day", "\"100/day; 10/day\": two rates per 1 day; keep the lower one"},
      {"9/60s; 8/s; 7/minute",
       "\"9/60s; 8/s; 7/minute\": two rates per 1 minute; keep the lower one"},
      {"1/s;1/2s;1/3s;1/4s;1/5s;1/6s;1/7s;1/8s;1/9s",
       "\"1/s;1/2s;1/3s;1/4s;1/5s;1/6s;1/7s;1/8s;1/9s\": more than 8 rates"},
  };
  for (const Row& row : rows) {
    const auto rates = parse_rates(row.text);
    ASSERT_FALSE(rates) << row.text;
    EXPECT_EQ(rates.error().code, ErrorCode::kInvalidConfig);
    EXPECT_EQ(rates.error().detail, row.error);
  }
}

TEST(Window, ReadsAsItsAuthorWroteIt) {
  struct Row {
    Window window;
    Duration length;
    std::string text;
    std::string suffix;
  };
  using namespace std::chrono_literals;
  const std::vector<Row> rows{
      {{1, Unit::kMillisecond}, 1ms, "1 millisecond", "millisecond"},
      {{500, Unit::kMillisecond}, 500ms, "500 milliseconds", "500ms"},
      {{1, Unit::kSecond}, 1s, "1 second", "second"},
      {{10, Unit::kSecond}, 10s, "10 seconds", "10s"},
      {{60, Unit::kSecond}, 1min, "60 seconds", "60s"},
      {{1, Unit::kMinute}, 1min, "1 minute", "minute"},
      {{5, Unit::kMinute}, 5min, "5 minutes", "5m"},
      {{1, Unit::kHour}, 1h, "1 hour", "hour"},
      {{12, Unit::kHour}, 12h, "12 hours", "12h"},
      {{1, Unit::kDay}, 24h, "1 day", "day"},
      {{2, Unit::kWeek}, 336h, "2 weeks", "2w"},
      {{1, Unit::kMonth}, 720h, "1 month", "month"},
      {{1, Unit::kYear}, 8640h, "1 year", "year"},
      {{366, Unit::kDay}, kMaxWindow, "366 days", "366d"},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(row.window.length(), row.length) << row.text;
    EXPECT_EQ(row.window.text(), row.text);
    EXPECT_EQ(row.window.suffix(), row.suffix);
  }
}

TEST(Limit, IsToldToAClientAndShownToAnOperator) {
  Limit limit;
  limit.name = "chat";
  limit.rate = {8, {10, Unit::kSecond}};
  EXPECT_EQ(limit.text(), "8 per 10 seconds");
  EXPECT_EQ(limit.label(), "chat_per_10s");
  limit.rate = {10, {1, Unit::kMinute}};
  EXPECT_EQ(limit.text(), "10 per 1 minute");
  EXPECT_EQ(limit.label(), "chat_per_minute");
}

}  // namespace
}  // namespace sluice::limits
