#include "limits/handed_over.h"

#include <gtest/gtest.h>

namespace sluice::limits {
namespace {

const Limit kChat{
    .name = "chat", .tenant = "acme", .scope = Fact::kSession, .rate = {8, {10, Unit::kSecond}}};
const Limit kDaily{
    .name = "daily", .tenant = "", .scope = Fact::kIp, .rate = {100, {1, Unit::kDay}}};
const LimitSet kLimits{&kDaily, &kChat};
constexpr std::string_view kWho = "chat 2 acme 00ff -";

// Of an allowed request, with so much left of each limit.
std::string line_of(std::int64_t daily, std::int64_t chat) {
  Decision decision{.source = Source::kRedis, .limits = kLimits, .balances = {}};
  decision.balances = {{.remaining = daily}, {.remaining = chat}};
  return hand_over(std::string(kWho), decision);
}

TEST(HandedOver, TheTightestLimitIsWhatArrives) {
  const Decision taken = take_over(line_of(50, 3), kWho, kLimits);
  EXPECT_TRUE(taken.allowed);
  EXPECT_EQ(taken.source, Source::kNginx);
  ASSERT_EQ(taken.limits, LimitSet{&kChat});
  EXPECT_EQ(taken.balances.at(0).remaining, 3);
  EXPECT_EQ(taken.tightest(), 0U);
  EXPECT_EQ(take_over(line_of(2, 3), kWho, kLimits).limits, LimitSet{&kDaily});
}

TEST(HandedOver, ADecisionWithoutBalancesIsOne) {
  const std::string line = hand_over(
      std::string(kWho), {.source = Source::kOnStoreError, .limits = kLimits, .balances = {}});
  EXPECT_EQ(line, kWho);
  const Decision taken = take_over(line, kWho, kLimits);
  EXPECT_EQ(taken.source, Source::kNginx);
  EXPECT_FALSE(taken.tightest());
}

TEST(HandedOver, WhatIsAboutAnotherIsNone) {
  const std::string line = line_of(50, 3);
  for (const std::string_view who :
       {"chat 2 acme 00fe -", "session 2 acme 00ff -", "chat 0 - - -", "chat 2 acme 00ff k1",
        "chat 2 acme 00ff", "chat 2 acme 00ff - acme"}) {
    EXPECT_EQ(take_over(line, who, kLimits).source, Source::kNobody) << who;
  }
  EXPECT_EQ(take_over("chat 2 acme 00ff -2", kWho, kLimits).source, Source::kNobody);
}

TEST(HandedOver, WhatCannotBeAboutTheseLimitsIsNone) {
  for (const std::string_view rest :
       {" acme chat 9", " acme chat -1", " acme chat", " acme chat x", " acme", " - chat 3",
        " acme daily 3", " acme chat 3 3", " acme chat 99999999999999999999", " ", "  acme chat 3",
        "\n"}) {
    const std::string line = std::string(kWho).append(rest);
    EXPECT_EQ(take_over(line, kWho, kLimits).source, Source::kNobody) << line;
  }
}

}  // namespace
}  // namespace sluice::limits
