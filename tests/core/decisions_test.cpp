// The core decides in a host that it knows nothing of, against a real Redis.
#include <algorithm>

#include <gmock/gmock.h>

#include "core/core_fixture.h"

namespace sluice {
namespace {

using testing::AllOf;
using testing::Each;
using testing::HasSubstr;
using testing::SizeIs;
using testing::StartsWith;

class CoreTest : public CoreFixture {};

TEST_F(CoreTest, ACallerIsAllowedUntilTheQuotaAndThenDeniedWithTheFigures) {
  const std::string session = open_session();
  for (const char* left : {"4", "3", "2", "1", "0"}) {
    EXPECT_THAT(
        answer(session),
        AllOf(StartsWith("Status: 200"), HasSubstr("RateLimit-Policy: \"chat\";q=5;w=86400"),
              HasSubstr(std::string("X-RateLimit-Remaining: ") + left + "\r\n")));
  }
  EXPECT_THAT(answer(session),
              AllOf(StartsWith("Status: 429"), HasSubstr("Rate limit exceeded: 5 per 1 day"),
                    HasSubstr("X-RateLimit-Remaining: 0\r\n"), HasSubstr("\r\nRetry-After: 86")));
  EXPECT_THAT(answer(open_session()), StartsWith("Status: 200"));
}

TEST_F(CoreTest, DecisionsOfOneTurnShareOneCall) {
  redis_.command("CONFIG RESETSTAT");
  const std::string busy = open_session();
  for (int i = 0; i < 7; ++i) ask(busy);
  for (int i = 0; i < 20; ++i) ask(open_session());
  const auto all = answers();
  EXPECT_THAT(all, SizeIs(27));
  EXPECT_EQ(std::count_if(all.begin(), all.end(),
                          [](const std::string& one) { return one.starts_with("Status: 200"); }),
            25);
  EXPECT_THAT(redis_.command("INFO commandstats"), HasSubstr("cmdstat_evalsha:calls=1,"));
}

TEST_F(CoreTest, WithoutRedisTheFailurePolicyAnswersAndThenTheCountsAreBack) {
  const std::string session = open_session();
  EXPECT_THAT(answer(session), StartsWith("Status: 200"));
  redis_.kill();
  EXPECT_THAT(answer(session), StartsWith("Status: 503"));
  EXPECT_THAT(answer(session, "open"), StartsWith("Status: 200"));
  ASSERT_TRUE(runs_until([this] { return link_->is_down(); }));
  EXPECT_THAT(answer(session), StartsWith("Status: 503"));
  EXPECT_THAT(logged(), HasSubstr("store is down"));
  redis_.start();
  ASSERT_TRUE(runs_until([this] { return link_->wire() != nullptr; }));
  EXPECT_THAT(answer(session), AllOf(StartsWith("Status: 200"),
                                     HasSubstr("X-RateLimit-Remaining: 4\r\n")));  // a new Redis
}

// One before its call leaves, the other while Redis has it.
TEST_F(CoreTest, ACallerThatGoesAwayDoesNoHarm) {
  const std::string session = open_session();
  for (const bool has_left : {false, true}) {
    TaskGroup callers(telemetry::log_failures(log_));
    callers.start("gone", keep_answer(session, "chat"));
    if (has_left) store_->flush();
  }
  EXPECT_THAT(answer(session), HasSubstr("X-RateLimit-Remaining: 3\r\n"));
  EXPECT_THAT(answers(), SizeIs(0));
}

TEST_F(CoreTest, ALinkThatGoesAnswersWhoWaitsAndTheLoopGoesOn) {
  ask(open_session());
  link_->drop("the host reloads");
  EXPECT_THAT(answers(), Each(StartsWith("Status: 503")));
  ASSERT_TRUE(runs_until([this] { return link_->wire() != nullptr; }));
  EXPECT_THAT(answer(open_session()), StartsWith("Status: 200"));
}

}  // namespace
}  // namespace sluice
