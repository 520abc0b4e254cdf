// The connection and the store against a real Redis that is killed, paused and reconfigured.
#include "redis/link.h"

#include <array>
#include <chrono>

#include <gtest/gtest.h>
#include <hiredis.h>

#include "conformance/redis_server.h"
#include "redis/link_fixture.h"

namespace sluice::redis {
namespace {

using limits::Decision;
using std::chrono::steady_clock;

class LinkTest : public LinkFixture {
 protected:
  void connect(std::string password = "", loop::Milliseconds timeout = kTimeout) {
    Link::Options options;
    options.uri.path = server_.socket();
    options.uri.password = std::move(password);
    options.wire.command_timeout = timeout;
    open(options);
  }

  static constexpr loop::Milliseconds kTimeout{200};

  RedisServer server_;
};

Task<void> echo(Wire& wire, std::string text, std::vector<std::string>& seen, loop::Loop& loop,
                std::size_t expected) {
  const std::array<std::string_view, 2> arguments{"ECHO", text};
  const auto reply = co_await wire.command(arguments);
  seen.push_back(reply ? std::string((*reply)->str, (*reply)->len) : "failed");
  if (seen.size() == expected) loop.stop();
}

TEST_F(LinkTest, ManyCommandsInFlightEachGetTheirOwnReply) {
  connect();
  std::vector<std::string> seen;
  std::vector<std::string> expected;
  for (int i = 0; i < 2000; ++i) {
    expected.push_back(std::to_string(i));
    tasks_.start(echo(*link_->wire(), expected.back(), seen, loop_, 2000));
  }
  loop_.run();
  EXPECT_EQ(seen, expected);
}

TEST_F(LinkTest, AForgottenScriptIsSentAgainAndChargedOnce) {
  connect();
  ASSERT_TRUE(take());
  server_.command("SCRIPT FLUSH");
  const auto decision = take();
  ASSERT_TRUE(decision);
  EXPECT_EQ(decision->balances[0].remaining, 98);
}

TEST_F(LinkTest, APausedServerCostsOneTimeoutAndThenNothing) {
  connect();
  ASSERT_TRUE(take());
  server_.pause();
  const auto began = steady_clock::now();
  EXPECT_EQ(take().error().code, ErrorCode::kStoreUnavailable);
  EXPECT_GE(steady_clock::now() - began, kTimeout - kTimeout / 10);  // the loop counts in ms
  EXPECT_EQ(take().error().code, ErrorCode::kStoreUnavailable);      // at once: no loop turn needed
  server_.resume();
  ASSERT_TRUE(recovers());
  EXPECT_TRUE(take());
}

TEST_F(LinkTest, AfterATimeoutNoReplyReachesAnotherCommand) {
  connect();
  server_.pause();
  std::vector<std::string> seen;
  tasks_.start(echo(*link_->wire(), "late", seen, loop_, 1));
  loop_.run();
  EXPECT_EQ(seen, std::vector<std::string>{"failed"});
  server_.resume();
  ASSERT_TRUE(recovers());
  seen.clear();
  tasks_.start(echo(*link_->wire(), "mine", seen, loop_, 1));
  loop_.run();
  EXPECT_EQ(seen, std::vector<std::string>{"mine"});
}

TEST_F(LinkTest, AKilledServerFailsWhatWaitsAndIsFoundAgain) {
  connect();
  ASSERT_TRUE(take());
  server_.kill();
  EXPECT_EQ(take().error().code, ErrorCode::kStoreUnavailable);
  server_.start();
  ASSERT_TRUE(recovers());
  EXPECT_TRUE(take());
}

TEST_F(LinkTest, SettlesWithoutAServerAndFindsItLater) {
  server_.kill();
  connect();
  EXPECT_EQ(link_->wire(), nullptr);
  EXPECT_EQ(take().error().code, ErrorCode::kStoreUnavailable);
  server_.start();
  ASSERT_TRUE(recovers());
  EXPECT_TRUE(take());
}

TEST_F(LinkTest, LogsInWithThePasswordAndIsDownWithAWrongOne) {
  server_.command("CONFIG SET requirepass s3cret");
  connect("wrong");
  EXPECT_EQ(link_->wire(), nullptr);
  link_.reset();
  connect("s3cret");
  EXPECT_TRUE(take());
}

TEST_F(LinkTest, AServerThatRefusesToWriteIsUnavailableAndNeverAllows) {
  connect();
  ASSERT_TRUE(take());
  for (const auto& [fault, cure] : std::vector<std::pair<std::string, std::string>>{
           {"CONFIG SET maxmemory 1", "CONFIG SET maxmemory 0"},
           {"CONFIG SET min-replicas-to-write 1", "CONFIG SET min-replicas-to-write 0"},
           {"REPLICAOF 127.0.0.1 1", "REPLICAOF NO ONE"}}) {
    server_.command(fault);
    const auto decision = take();
    ASSERT_FALSE(decision) << fault;
    EXPECT_EQ(decision.error().code, ErrorCode::kStoreUnavailable) << fault;
    server_.command(cure);
    ASSERT_TRUE(recovers()) << cure;
    EXPECT_TRUE(take()) << cure;
  }
}

// Decisions that travel together: what becomes of one is no matter of the others.
TEST_F(LinkTest, ARefusedWriteOrASpoiltKeyTakesNoOtherDecisionWithIt) {
  connect();
  limit_.rate.quota = 1;
  ASSERT_TRUE(take("used up"));
  server_.command("SET spoilt hello");
  server_.command("CONFIG SET maxmemory 1");
  std::vector<std::optional<Result<Decision>>> results(3);
  std::vector<std::vector<limits::Charge>> charges;
  for (const char* key : {"new", "used up", "spoilt"}) charges.push_back({{key, &limit_, 1}});
  for (std::size_t i = 0; i < charges.size(); ++i) {
    tasks_.start(keep_and_stop(store_->take({charges[i]}, std::nullopt), results[i]));
  }
  loop_.run();
  EXPECT_EQ((*results[0]).error().code, ErrorCode::kStoreUnavailable);
  ASSERT_TRUE(*results[1]);
  EXPECT_FALSE((*results[1])->allowed);
  EXPECT_EQ((*results[2]).error().code, ErrorCode::kStoreFault);
}

TEST_F(LinkTest, AKeyThatHoldsSomethingElseIsAFault) {
  connect();
  server_.command("SADD set member");
  EXPECT_EQ(take("set").error().code, ErrorCode::kStoreFault);
  server_.command("SET text hello");
  EXPECT_EQ(take("text").error().code, ErrorCode::kStoreFault);
  EXPECT_TRUE(take());
}

TEST_F(LinkTest, ALimitInShadowModeDoesNotCountWhatItCannotRead) {
  connect();
  server_.command("SET text hello");
  limit_.mode = limits::Mode::kShadow;
  for (const auto& [name, algorithm] : limits::kAlgorithmNames) {
    limit_.algorithm = algorithm;
    const auto decision = take("text");
    ASSERT_TRUE(decision) << name;
    EXPECT_TRUE(decision->allowed) << name;
    EXPECT_FALSE(decision->lacks_room(0)) << name;
  }
  EXPECT_EQ(server_.command("GET text"), "$5\r\nhello\r\n");
}

}  // namespace
}  // namespace sluice::redis
