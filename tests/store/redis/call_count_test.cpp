// What is counted of Redis: calls for decisions, and what goes wrong.
#include <functional>
#include <map>

#include "redis/fake_redis.h"
#include "redis/link_fixture.h"
#include "region_memory.h"

namespace sluice::store {
namespace {

using redis::bulk;
using redis::FakeRedis;
using redis::LinkFixture;
using telemetry::Counters;
using telemetry::Timed;
using telemetry::Total;

class CallCountTest : public LinkFixture {
 protected:
  using Counts = std::map<std::string_view, std::uint64_t>;

  CallCountTest() {
    options_.uri.path = directory_.path() + "/redis.sock";
    options_.wire.command_timeout = loop::Milliseconds(100);
    options_.counters = &counters_;
    fake_.replies["EVALSHA"] = fake_.replies["EVAL"] = kGood;
  }

  // Since this was asked last; what was not counted is not in it.
  Counts counted() {
    Counts now;
    for (std::size_t i = 0; i < telemetry::kStoreFaults.size(); ++i) {
      now[telemetry::kStoreFaults.at(i)] =
          counters_.sum(Counters::of(static_cast<telemetry::StoreFault>(i)));
    }
    now["decisions"] = counters_.sum(Counters::of(Total::kStoreDecisions));
    now["scripts"] = counters_.sum(Counters::of(Total::kScriptSent));
    for (std::size_t i = 0; i <= telemetry::kDurationBounds.size(); ++i) {
      now["calls"] += counters_.sum(Counters::of_duration(Timed::kStoreCall, i));
    }
    Counts since;
    for (const auto& [name, count] : now) {
      if (count > before_[name]) since[name] = count - before_[name];
    }
    before_ = now;
    return since;
  }

  const std::string kGood = bulk(redis::reply_of(1'800'000'000'000'000, 0, 1));
  CounterMemory memory_;
  Counters counters_{memory_};
  redis::Link::Options options_;
  FakeRedis fake_{loop_, directory_.path() + "/redis.sock"};
  Counts before_;
};

TEST_F(CallCountTest, ACallForADecisionAndItsTime) {
  open(options_);
  EXPECT_EQ(counted(), Counts{}) << "to log in is no such call";
  EXPECT_TRUE(take());
  EXPECT_EQ(counted(), (Counts{{"calls", 1}, {"decisions", 1}}));
  EXPECT_GT(counters_.sum(Counters::of_duration_sum(Timed::kStoreCall)), 0U);
}

TEST_F(CallCountTest, DecisionsOfOneTurnShareACall) {
  open(options_);
  const limits::Charge charge{"k", &limit_, 1};
  std::vector<std::optional<Result<limits::Decision>>> results(3);
  for (auto& result : results) {
    tasks_.start(keep_and_stop(store_->take({{&charge, 1}}, std::nullopt), result));
  }
  loop_.run();
  EXPECT_EQ(counted()["decisions"], 3U);
  EXPECT_EQ(before_["calls"], 1U);
}

TEST_F(CallCountTest, AForgottenScriptTakesASecondCallAndIsNoFault) {
  open(options_);
  fake_.replies["EVALSHA"] = "-NOSCRIPT No matching script\r\n";
  EXPECT_TRUE(take());
  EXPECT_EQ(counted(), (Counts{{"calls", 2}, {"decisions", 2}, {"scripts", 1}}));
}

TEST_F(CallCountTest, WhatGoesWrongWithAReplyIsCountedOnce) {
  const std::vector<std::pair<std::string, std::string_view>> rows{
      {"-OOM command not allowed\r\n", "error"},
      {"-READONLY a replica\r\n", "error"},
      {"-WRONGTYPE against a key\r\n", "error"},
      {"-ERR no\r\n", "error"},
      {"-garbage\r\n", "nonsense"},
      {"+OK\r\n", "nonsense"},
      {"$5\r\nshort\r\n", "nonsense"},
      {"*2147483647\r\n", "nonsense"},
      {"HTTP/1.1 400 Bad Request\r\n", "nonsense"},
      {"", "timeout"},
  };
  for (const auto& [reply, kind] : rows) {
    open(options_);
    counted();
    fake_.replies["EVALSHA"] = reply;
    EXPECT_FALSE(take()) << reply;
    EXPECT_EQ(counted(), (Counts{{"calls", 1}, {"decisions", 1}, {kind, 1}})) << reply;
    fake_.replies["EVALSHA"] = kGood;
  }
}

TEST_F(CallCountTest, WhoHangsUpIsAtFaultWhereSomebodyWaits) {
  open(options_);
  fake_.replies["EVALSHA"] = "";
  fake_.closes_after = "EVALSHA";
  EXPECT_FALSE(take());
  EXPECT_EQ(counted(), (Counts{{"calls", 1}, {"decisions", 1}, {"lost", 1}}));
  fake_.closes_after = "";
  ASSERT_TRUE(recovers());
  fake_.hang_up();
  ASSERT_TRUE(loses_its_wire());
  ASSERT_TRUE(recovers());
  EXPECT_EQ(counted(), Counts{}) << "nobody did";
}

TEST_F(CallCountTest, EachAttemptThatComesToNothingIsCounted) {
  const std::vector<std::pair<std::string_view, std::function<void()>>> rows{
      {"error", [&] { fake_.replies["SCRIPT"] = "-LOADING wait\r\n"; }},
      {"nonsense", [&] { fake_.replies["SCRIPT"] = bulk("no sha"); }},
      {"timeout", [&] { fake_.replies["SCRIPT"] = ""; }},
      {"lost", [&] { fake_.closes_after = "SCRIPT"; }},
      {"refused", [&] { options_.uri.path += ".gone"; }},
  };
  for (const auto& [kind, wrong] : rows) {
    wrong();
    open(options_);
    EXPECT_EQ(link_->wire(), nullptr) << kind;
    EXPECT_EQ(counted(), (Counts{{kind, 1}}));
    fake_.closes_after = "";
  }
}

TEST_F(CallCountTest, WhatThisSideEndsIsNoFault) {
  open(options_);
  link_->drop("worker stops");
  EXPECT_FALSE(take());
  EXPECT_EQ(counted(), Counts{});
}

}  // namespace
}  // namespace sluice::store
