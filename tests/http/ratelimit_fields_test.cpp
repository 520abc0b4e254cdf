#include "http/ratelimit_fields.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "limits/buckets.h"

namespace sluice::http {
namespace {

using limits::Balance;
using limits::Decision;
using limits::Limit;
using limits::Unit;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;

const Limit kChat{.name = "chat", .tenant = "acme", .rate = {8, {10, Unit::kSecond}}};
const Limit kTenant{.name = "tenant", .tenant = "acme", .rate = {1000, {1, Unit::kMinute}}};
const Limit kBurst{.name = "burst", .tenant = "acme", .rate = {3, {500, Unit::kMillisecond}}};

const Limit kStrict{.name = "strict",
                    .tenant = "acme",
                    .rate = {3, {10, Unit::kSecond}},
                    .mode = limits::Mode::kShadow};
const Limit kQuick{.name = "quick",
                   .tenant = "acme",
                   .rate = {2, {1500, Unit::kMillisecond}},
                   .mode = limits::Mode::kShadow};

std::string fields(bool allowed, std::vector<const Limit*> limits, std::vector<Balance> balances) {
  const Decision decision{.allowed = allowed,
                          .source = limits::Source::kRedis,
                          .at = TimePoint(seconds(1'800'000'000) + milliseconds(500)),
                          .limits = std::move(limits),
                          .balances = std::move(balances)};
  Response response;
  write_ratelimit_fields(decision, response);
  return response.fields();
}

TEST(RatelimitFieldsTest, AnAllowedAnswerToTheByte) {
  EXPECT_EQ(fields(true, {&kChat}, {{5, milliseconds(6'400), seconds(0), milliseconds(1'250)}}),
            "X-RateLimit-Limit: 8\r\n"
            "X-RateLimit-Remaining: 5\r\n"
            "X-RateLimit-Reset: 1800000007\r\n"
            "RateLimit-Policy: \"chat\";q=8;w=10\r\n"
            "RateLimit: \"chat\";r=5;t=2\r\n");
}

TEST(RatelimitFieldsTest, ADecisionWithAnIdShowsItWhateverElseIsKnown) {
  Decision decision;
  decision.allowed = false;
  decision.source = limits::Source::kOnStoreError;
  decision.id = DecisionId{0x00, 0x01, 0xab, 0xff};
  const auto shown = [&] {
    Response response;
    write_ratelimit_fields(decision, response);
    return response.fields();
  };
  EXPECT_EQ(shown(), "X-Decision-ID: 0001abff000000000000000000000000\r\n");
  decision.barred_by = limits::BarredBy::kLockOut;
  decision.barred_for = seconds(9);
  EXPECT_EQ(shown(), "Retry-After: 9\r\nX-Decision-ID: 0001abff000000000000000000000000\r\n");
}

TEST(RatelimitFieldsTest, ADenialOfSeveralLimitsWaitsForTheLongest) {
  EXPECT_EQ(fields(false, {&kChat, &kTenant},
                   {{0, milliseconds(9'400), milliseconds(6'400), milliseconds(6'400)},
                    {0, seconds(59), milliseconds(40'001), milliseconds(40'001)}}),
            "X-RateLimit-Limit: 1000\r\n"
            "X-RateLimit-Remaining: 0\r\n"
            "X-RateLimit-Reset: 1800000060\r\n"
            "RateLimit-Policy: \"chat\";q=8;w=10, \"tenant\";q=1000;w=60\r\n"
            "RateLimit: \"chat\";r=0;t=7, \"tenant\";r=0;t=41\r\n"
            "Retry-After: 41\r\n");
}

TEST(RatelimitFieldsTest, RetryAfterIsTheLongestWaitOfAllThatDeny) {
  EXPECT_THAT(fields(false, {&kChat, &kTenant, &kBurst},
                     {{0, milliseconds(6'400), milliseconds(6'400)},
                      {0, milliseconds(40'001), milliseconds(40'001)},
                      {0, milliseconds(100), milliseconds(100)}}),
              HasSubstr("Retry-After: 41\r\n"));
}

TEST(RatelimitFieldsTest, AShadowLimitHasAFieldOfItsOwnAndNoOther) {
  EXPECT_EQ(fields(true, {&kStrict, &kChat, &kQuick},
                   {{0, milliseconds(9'400), milliseconds(6'400), milliseconds(6'400)},
                    {5, milliseconds(6'400), seconds(0), milliseconds(1'250)},
                    {1, milliseconds(1'200), seconds(0), milliseconds(200)}}),
            "X-RateLimit-Limit: 8\r\n"
            "X-RateLimit-Remaining: 5\r\n"
            "X-RateLimit-Reset: 1800000007\r\n"
            "RateLimit-Policy: \"chat\";q=8;w=10\r\n"
            "RateLimit: \"chat\";r=5;t=2\r\n"
            "X-RateLimit-Shadow: \"strict\";q=3;w=10;r=0;t=7;denied, \"quick\";q=2;r=1;t=1\r\n");
}

TEST(RatelimitFieldsTest, AShadowLimitDoesNotLengthenRetryAfter) {
  EXPECT_EQ(fields(false, {&kStrict, &kChat},
                   {{0, seconds(90), seconds(60), seconds(60)},
                    {0, milliseconds(9'400), milliseconds(6'400), milliseconds(6'400)}}),
            "X-RateLimit-Limit: 8\r\n"
            "X-RateLimit-Remaining: 0\r\n"
            "X-RateLimit-Reset: 1800000010\r\n"
            "RateLimit-Policy: \"chat\";q=8;w=10\r\n"
            "RateLimit: \"chat\";r=0;t=7\r\n"
            "Retry-After: 7\r\n"
            "X-RateLimit-Shadow: \"strict\";q=3;w=10;r=0;t=60;denied\r\n");
}

TEST(RatelimitFieldsTest, ShadowLimitsAloneWriteNothingElse) {
  EXPECT_EQ(fields(true, {&kStrict}, {{2, seconds(9), seconds(0), seconds(3)}}),
            "X-RateLimit-Shadow: \"strict\";q=3;w=10;r=2;t=3\r\n");
}

TEST(RatelimitFieldsTest, WhatIsAllowedNamesTheLimitWithTheFewestUnitsLeft) {
  EXPECT_THAT(fields(true, {&kTenant, &kChat},
                     {{900, seconds(9), seconds(0)}, {7, seconds(9), seconds(0)}}),
              HasSubstr("X-RateLimit-Limit: 8\r\nX-RateLimit-Remaining: 7\r\n"));
}

TEST(RatelimitFieldsTest, ADefaultIsToldApartFromATenantsLimitOfTheSameName) {
  const Limit by_default{.name = "chat", .tenant = "", .rate = {5, {10, Unit::kSecond}}};
  EXPECT_THAT(
      fields(true, {&by_default, &kChat},
             {{4, seconds(9), seconds(0), seconds(9)}, {7, seconds(9), seconds(0), seconds(9)}}),
      HasSubstr("RateLimit-Policy: \"default:chat\";q=5;w=10, \"chat\";q=8;w=10\r\n"
                "RateLimit: \"default:chat\";r=4;t=9, \"chat\";r=7;t=9\r\n"));
}

TEST(RatelimitFieldsTest, RetryAfterIsAtLeastASecond) {
  EXPECT_THAT(fields(false, {&kBurst}, {{0, milliseconds(3), milliseconds(3)}}),
              HasSubstr("Retry-After: 1\r\n"));
}

TEST(RatelimitFieldsTest, AWindowBelowASecondHasNoW) {
  EXPECT_THAT(fields(true, {&kBurst}, {{2, milliseconds(3), seconds(0)}}),
              HasSubstr("RateLimit-Policy: \"burst\";q=3\r\n"));
}

TEST(RatelimitFieldsTest, ACostThatNeverPassesHasNoRetryAfterAndNoTWhereNoMoreWillCome) {
  for (const std::int64_t remaining : {8, 0}) {  // 0: of a quota of 0
    const std::string text = fields(false, {&kChat}, {{remaining, seconds(0), limits::kNever}});
    EXPECT_THAT(text, Not(HasSubstr("Retry-After")));
    EXPECT_THAT(text, HasSubstr(";r=" + std::to_string(remaining) + "\r\n"));
  }
}

// Each limit of 8 per 10 seconds after the first of 9 requests at once, and after the last.
TEST(RatelimitFieldsTest, TIsUntilMoreIsToBeHadAndOnADenialRetryAfter) {
  struct Row {
    limits::Algorithm algorithm;
    const char* first;
    const char* denied;
  };
  const std::vector<Row> rows{
      {limits::Algorithm::kFixedWindow, ";r=7;t=10\r\n", ";r=0;t=10\r\nRetry-After: 10\r\n"},
      {limits::Algorithm::kSlidingLog, ";r=7;t=10\r\n", ";r=0;t=10\r\nRetry-After: 10\r\n"},
      {limits::Algorithm::kSlidingWindow, ";r=7;t=11\r\n", ";r=0;t=11\r\nRetry-After: 11\r\n"},
      {limits::Algorithm::kTokenBucket, ";r=7;t=2\r\n", ";r=0;t=2\r\nRetry-After: 2\r\n"},
      {limits::Algorithm::kLeakyBucket, ";r=7;t=2\r\n", ";r=0;t=2\r\nRetry-After: 2\r\n"},
  };
  for (const Row& row : rows) {
    limits::Limit limit = kChat;
    limit.algorithm = row.algorithm;
    const std::vector<limits::Charge> charges{{"key", &limit, 1}};
    limits::Buckets buckets;
    const auto take = [&] {
      Response response;
      write_ratelimit_fields(buckets.decide(charges, limits::kStart).decision, response);
      return response.fields();
    };
    EXPECT_THAT(take(), HasSubstr(row.first));
    for (int i = 1; i < 8; ++i) take();
    EXPECT_THAT(take(), HasSubstr(row.denied));
  }
}

TEST(RatelimitFieldsTest, WithoutAReplyOfTheStoreThereIsNothingToSay) {
  EXPECT_EQ(fields(true, {&kChat}, {}), "");
}

}  // namespace
}  // namespace sluice::http
