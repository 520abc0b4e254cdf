// No exception leaves the core: what throws ends one task, and the loop goes on.
#include <stdexcept>

#include <gmock/gmock.h>

#include "core/core_fixture.h"
#include "gate.h"

namespace sluice {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

enum class When { kNever, kAtOnce, kInTheTask, kAfterAWait };

// A store that throws.
class BadStore final : public store::BucketStore {
 public:
  [[nodiscard]] Task<Result<limits::Decision>> take(limits::Ask ask,
                                                    std::optional<TimePoint> /*now*/) override {
    if (when == When::kAtOnce) throw std::runtime_error("at once");
    return take_later(ask);
  }
  [[nodiscard]] Task<Result<std::optional<std::string>>> read(std::string_view /*key*/) override {
    throw std::logic_error("no read");
  }
  [[nodiscard]] Task<Result<std::int64_t>> reset(std::span<const std::string> /*keys*/) override {
    throw std::logic_error("no reset");
  }

  When when = When::kNever;
  Gate gate;

 private:
  Task<Result<limits::Decision>> take_later(limits::Ask ask) {
    if (when == When::kInTheTask) throw std::runtime_error("in the task");
    if (when == When::kAfterAWait) {
      co_await gate.pass();
      throw std::runtime_error("after a wait");
    }
    limits::Decision decision;
    for (const limits::Charge& charge : ask.charges) {
      decision.limits.push_back(charge.limit);
      decision.balances.push_back({.remaining = 4});
    }
    co_return decision;
  }
};

class CoreExceptionsTest : public CoreFixture {
 protected:
  // Whether timers still fire.
  bool turns() {
    bool fired = false;
    loop::Timer timer(loop_, [&] { fired = true; });
    timer.start(loop::Milliseconds(1));
    return runs_until([&] { return fired; });
  }
};

TEST_F(CoreExceptionsTest, AStoreThatThrowsEndsItsDecisionAndNoOther) {
  BadStore bad;
  use(bad, {five_a_day("chat")});
  const std::string session = open_session();
  for (const When when : {When::kAtOnce, When::kInTheTask, When::kAfterAWait}) {
    bad.when = when;
    ask(session);
    if (when == When::kAfterAWait) bad.gate.let_all();
    bad.when = When::kNever;
    ask(session);
    EXPECT_THAT(answers(), ElementsAre(StartsWith("Status: 200")));
    EXPECT_TRUE(turns());
  }
  for (const char* what : {"at once", "in the task", "after a wait"}) {
    EXPECT_THAT(logged(), HasSubstr(std::string(R"("task":"ask","reason":")") + what));
  }
}

// Its time zone is none, which only who makes limits by hand can do: the call cannot be written.
TEST_F(CoreExceptionsTest, WhatThrowsOnTheWayToRedisIsAnsweredByTheFailurePolicy) {
  limits::PlanLimit bad = five_a_day("bad");
  bad.limit.alignment = limits::Alignment::kCalendar;
  bad.limit.time_zone = "Nowhere/At_all";
  use(*store_, {bad, five_a_day("chat")});
  const std::string session = open_session();
  EXPECT_THAT(answer(session, "bad"), StartsWith("Status: 503"));
  EXPECT_THAT(logged(), HasSubstr(R"("task":"send a batch","reason":"Nowhere/At_all not found)"));
  EXPECT_THAT(answer(session, "chat"), StartsWith("Status: 200"));
  EXPECT_TRUE(turns());
}

}  // namespace
}  // namespace sluice
