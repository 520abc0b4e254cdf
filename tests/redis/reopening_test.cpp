// A wire that is lost while nobody needs it, and one that somebody does.
#include <chrono>

#include "conformance/redis_server.h"
#include "redis/fake_redis.h"
#include "redis/link_fixture.h"

namespace sluice::redis {
namespace {

using limits::Decision;
using loop::Milliseconds;
using std::chrono::steady_clock;

Link::Options options_for(const std::string& path) {
  Link::Options options;
  options.uri.path = path;
  options.wire.command_timeout = Milliseconds(200);
  return options;
}

std::size_t count(const std::string& text, std::string_view part) {
  std::size_t times = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++times;
  return times;
}

class LostWireTest : public LinkFixture {
 protected:
  RedisServer server_;
};

TEST_F(LostWireTest, WithNothingOnItsWayCostsNoDecisionAndIsNoAlarm) {
  open(options_for(server_.socket()));
  ASSERT_TRUE(take());
  const std::vector<std::pair<const char*, std::function<void()>>> ways{
      {"killed", [&] { server_.command("CLIENT KILL TYPE normal"); }},
      {"killed again at once", [&] { server_.command("CLIENT KILL TYPE normal"); }},
      {"too long idle for it", [&] { server_.command("CONFIG SET timeout 1"); }},
      {"restarted", [&] {
         server_.kill();
         server_.start();
       }}};
  for (const auto& [name, lose] : ways) {
    lose();
    ASSERT_TRUE(loses_its_wire()) << name;
    EXPECT_FALSE(link_->is_down()) << name;
    EXPECT_TRUE(take()) << name;
  }
  EXPECT_EQ(count(logged(), "\"event\""), 1U) << logged();
  EXPECT_EQ(count(logged(), "store is up"), 1U);
}

TEST_F(LostWireTest, WhileTheServerIsAwayForLongIsNoAlarmUntilADecisionIsRefused) {
  open(options_for(server_.socket()));
  server_.kill();
  ASSERT_TRUE(runs_until([&] { return link_->is_down(); }));
  run_for(Milliseconds(200));
  server_.start();
  ASSERT_TRUE(recovers());
  EXPECT_EQ(count(logged(), "store is down"), 0U) << "nobody noticed";
  server_.kill();
  ASSERT_TRUE(runs_until([&] { return link_->is_down(); }));
  EXPECT_EQ(take().error().code, ErrorCode::kStoreUnavailable);
  EXPECT_EQ(count(logged(), "store is down"), 1U);
  server_.start();
  ASSERT_TRUE(recovers());
  EXPECT_TRUE(take());
  EXPECT_EQ(count(logged(), "store is up"), 2U);
}

class FakeRedisTest : public LinkFixture {
 protected:
  [[nodiscard]] Link::Options options() const {
    return options_for(directory_.path() + "/redis.sock");
  }

  FakeRedis fake_{loop_, directory_.path() + "/redis.sock"};
};

TEST_F(FakeRedisTest, ItsTimeIsKnownWhenTheWireIsReadyAndNoErrorAboutItMatters) {
  const TimePoint theirs(std::chrono::seconds(1'700'000'000));
  fake_.replies["TIME"] = "*2\r\n$10\r\n1700000000\r\n$6\r\n000000\r\n";
  open(options());
  ASSERT_NE(link_->wire(), nullptr);
  const Duration since = link_->clock().now() - theirs;
  EXPECT_GE(since, Duration::zero());
  EXPECT_LE(since, std::chrono::seconds(10));
  for (const char* reply :
       {"-NOPERM no\r\n", "$2\r\nno\r\n", "*1\r\n$1\r\n1\r\n", "*2\r\n$1\r\n1\r\n$1\r\nx\r\n",
        "*2\r\n:1\r\n:1\r\n", "*2\r\n$18\r\n999999999999999999\r\n$1\r\n0\r\n"}) {
    fake_.replies["TIME"] = reply;
    open(options());
    ASSERT_NE(link_->wire(), nullptr) << reply;
    const Duration difference = link_->clock().now() - SystemClock().now();
    EXPECT_LE(std::chrono::abs(difference), std::chrono::seconds(10)) << reply;
  }
}

TEST_F(FakeRedisTest, AWireLostWithADecisionOnItIsAnOutage) {
  open(options());
  fake_.replies["EVALSHA"] = "";
  fake_.closes_after = "EVALSHA";
  EXPECT_EQ(take().error().code, ErrorCode::kStoreUnavailable);
  EXPECT_TRUE(link_->is_down());
  EXPECT_EQ(count(logged(), "store is down"), 1U);
  EXPECT_EQ(count(logged(), "closed by Redis"), 1U);
}

TEST_F(FakeRedisTest, ADecisionWaitsForAWireNoLongerThanItsOwnDeadline) {
  open(options());
  fake_.replies["SCRIPT"] = "";  // it lets nobody in any more
  fake_.hang_up();
  ASSERT_TRUE(loses_its_wire());
  const auto began = steady_clock::now();
  EXPECT_EQ(take().error().code, ErrorCode::kStoreUnavailable);
  const auto waited = steady_clock::now() - began;
  EXPECT_GE(waited, Milliseconds(150));
  EXPECT_LE(waited, std::chrono::seconds(2));
  ASSERT_TRUE(runs_until([&] { return link_->is_down(); }));
  EXPECT_EQ(take().error().code, ErrorCode::kStoreUnavailable) << "at once: it is known now";
  EXPECT_EQ(count(logged(), "store is down"), 1U);
}

TEST_F(FakeRedisTest, AWireThatComesTooLateForADecisionIsAnOutageThatIsTold) {
  Link::Options slow = options();
  slow.backoff_min = 2 * slow.wire.command_timeout;
  open(slow);
  fake_.hang_up();
  ASSERT_TRUE(loses_its_wire());
  ASSERT_TRUE(recovers());
  fake_.hang_up();  // so soon again that it waits
  ASSERT_TRUE(loses_its_wire());
  EXPECT_EQ(take().error().code, ErrorCode::kStoreUnavailable);
  EXPECT_FALSE(link_->is_down()) << "the wire may come yet";
  EXPECT_EQ(link_->trouble(), "it takes too long to connect again");
  EXPECT_EQ(count(logged(), "store is down"), 1U) << logged();
  fake_.replies["EVALSHA"] = bulk(reply_of(1'800'000'000'000'000, 0, 1));
  ASSERT_TRUE(recovers());
  EXPECT_TRUE(take());
  EXPECT_EQ(link_->trouble(), "");
  EXPECT_EQ(count(logged(), "store is down"), 1U) << logged();
  EXPECT_EQ(count(logged(), "store is up"), 2U) << logged();
}

TEST_F(FakeRedisTest, WhatWaitsIsAnsweredWhenTheConnectionIsDropped) {
  open(options());
  fake_.replies["SCRIPT"] = "";
  fake_.hang_up();
  ASSERT_TRUE(loses_its_wire());
  const std::vector<limits::Charge> charges{{"k", &limit_, 1}};
  std::optional<Result<Decision>> result;
  tasks_.start(keep_and_stop(store_->take({charges}, std::nullopt), result));
  store_->flush();
  EXPECT_FALSE(result.has_value());
  link_->drop("worker stops");
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->error().code, ErrorCode::kStoreUnavailable);
}

// For half a second it is asked at once, and then every backoff_min.
TEST_F(FakeRedisTest, AServerThatLetsInAndClosesAtOnceIsNotAskedAsFastAsItCan) {
  fake_.closes_after = "SCRIPT";
  open(options());
  run_for(Milliseconds(500));
  EXPECT_GE(fake_.accepted(), 3);
  EXPECT_LE(fake_.accepted(), 2 + 500 / 50);
  EXPECT_EQ(count(logged(), "store is down"), 0U);
}

TEST_F(FakeRedisTest, ThePauseBeginsAnewAfterEachLogIn) {
  open(options());
  fake_.replies["EVALSHA"] = "";
  fake_.closes_after = "EVALSHA";
  const auto began = steady_clock::now();
  constexpr int kOutages = 8;  // of pauses that grew: 50, 100, ... 1000, 1000 ms
  for (int i = 0; i < kOutages; ++i) {
    EXPECT_EQ(take().error().code, ErrorCode::kStoreUnavailable);
    ASSERT_TRUE(recovers());
  }
  EXPECT_LE(steady_clock::now() - began, std::chrono::milliseconds(1'500));
}

TEST_F(FakeRedisTest, AQuietWireThatIsCutInSilenceIsFoundByNoRequest) {
  Link::Options asking = options();
  asking.ask_when_idle = Milliseconds(20);
  asking.wire.command_timeout = Milliseconds(50);
  open(asking);
  fake_.replies["TIME"] = "";
  ASSERT_TRUE(loses_its_wire());
  fake_.replies["TIME"] = "-NOPERM this user has no permissions to run the 'time' command\r\n";
  ASSERT_TRUE(recovers());
  EXPECT_EQ(fake_.accepted(), 2);
  const auto asked_before = fake_.asked().size();
  ASSERT_TRUE(runs_until([&] { return fake_.asked().size() >= asked_before + 3; }));
  EXPECT_EQ(fake_.accepted(), 2) << "an error shows that the wire lives";
  EXPECT_EQ(count(logged(), "\"event\""), 1U) << logged();
}

TEST_F(FakeRedisTest, ADecisionOnAWireThatWasCutInSilenceIsAnOutage) {
  Link::Options asking = options();
  asking.ask_when_idle = Milliseconds(20);
  open(asking);
  fake_.replies["TIME"] = "";
  fake_.replies["EVALSHA"] = "";
  const auto asked_before = fake_.asked().size();
  ASSERT_TRUE(runs_until([&] { return fake_.asked().size() > asked_before; }));
  EXPECT_EQ(take().error().code, ErrorCode::kStoreUnavailable);
  EXPECT_EQ(count(logged(), "store is down"), 1U);
  EXPECT_EQ(count(logged(), "command timed out"), 1U);
}

}  // namespace
}  // namespace sluice::redis
