#include "base/task_group.h"

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "gate.h"

namespace sluice {
namespace {

using Notes = std::vector<std::string>;

// Says when it goes.
class Local {
 public:
  explicit Local(std::function<void()> on_end) : on_end_(std::move(on_end)) {}
  ~Local() { on_end_(); }
  Local(const Local&) = delete;
  Local& operator=(const Local&) = delete;

 private:
  std::function<void()> on_end_;
};

class TaskGroupTest : public testing::Test {
 protected:
  void SetUp() override { make_group(); }
  void make_group() {
    group_ = std::make_unique<TaskGroup>([this](std::string_view name, std::string_view what) {
      note(std::string(name).append(": ").append(what));
    });
  }
  void note(std::string text) { notes_.push_back(std::move(text)); }
  // What was noted since the last call.
  Notes noted() { return std::exchange(notes_, {}); }

  // Waits once, and notes what becomes of it.
  Task<void> wait(std::string name) {
    const Local local([&] { note(name + " goes"); });
    co_await gate_.pass();
    note(name + " passed");
  }
  Task<int> wait_below(int depth) {
    const Local local([this, depth] { note(std::to_string(depth)); });
    if (depth == 0) co_await gate_.pass();
    const int below = depth == 0 ? 0 : co_await wait_below(depth - 1);
    co_return below + 1;
  }
  // Does something in the middle of the group's business, and waits once more.
  Task<void> act(std::function<void()> action) {
    const Local local([this] { note("act goes"); });
    co_await gate_.pass();
    action();
    note("acted");
    co_await gate_.pass();
    note("acted and passed");
  }

  Notes notes_;
  Gate gate_;
  std::unique_ptr<TaskGroup> group_;
};

TEST_F(TaskGroupTest, SaysHowManyTasksRun) {
  EXPECT_EQ(group_->running(), 0U);
  group_->start("first", wait("first"));
  group_->start("second", wait("second"));
  EXPECT_EQ(group_->running(), 2U);
  gate_.let_one();
  EXPECT_EQ(group_->running(), 1U);
  gate_.let_one();
  EXPECT_EQ(group_->running(), 0U);
  EXPECT_EQ(noted(), (Notes{"first passed", "first goes", "second passed", "second goes"}));
}

TEST_F(TaskGroupTest, DestroysWhatWaitsWithIt) {
  group_->start("first", wait("first"));
  group_->start("second", wait("second"));
  group_.reset();
  EXPECT_EQ(noted(), (Notes{"first goes", "second goes"}));
  EXPECT_FALSE(gate_.has_waiting());
}

TEST_F(TaskGroupTest, DestroysAllThatATaskAwaits) {
  const auto outermost = [this]() -> Task<void> { (void)co_await wait_below(3); };
  group_->start("deep", outermost());
  EXPECT_TRUE(gate_.has_waiting());
  group_.reset();
  EXPECT_EQ(noted(), (Notes{"0", "1", "2", "3"})) << "the innermost first";
  EXPECT_FALSE(gate_.has_waiting());
}

TEST_F(TaskGroupTest, StartsNothingWhileItIsDestroyed) {
  const auto start_another = [this](TaskGroup& group) -> Task<void> {
    const Local local([&] { group.start("late", wait("late")); });
    co_await gate_.pass();
  };
  group_->start("starts another when it goes", start_another(*group_));
  group_.reset();
  EXPECT_TRUE(noted().empty());
  EXPECT_FALSE(gate_.has_waiting());
}

TEST_F(TaskGroupTest, ATaskThatDestroysItBeforeItsFirstWaitEndsThere) {
  const auto destroy_at_once = [this]() -> Task<void> {
    group_.reset();
    co_await wait("inner");
    ADD_FAILURE() << "it went on";
  };
  group_->start("destroys at once", destroy_at_once());
  EXPECT_EQ(noted(), (Notes{"inner goes"}));
}

TEST_F(TaskGroupTest, ATaskThatDestroysItRunsOnToItsNextWait) {
  group_->start("destroys", act([this] { group_.reset(); }));
  group_->start("waits", wait("waits"));
  gate_.let_one();
  EXPECT_EQ(noted(), (Notes{"waits goes", "acted", "act goes"}));
  EXPECT_FALSE(gate_.has_waiting());
}

TEST_F(TaskGroupTest, ATaskThatThrowsAfterItDestroyedItHarmsNobody) {
  const auto fail = [this]() -> Task<void> {
    co_await gate_.pass();
    group_.reset();
    throw std::runtime_error("nobody hears of it");
  };
  group_->start("fails", fail());
  gate_.let_one();
  EXPECT_TRUE(noted().empty());
}

// The first resumes the second, which destroys the group of both.
TEST_F(TaskGroupTest, ATaskThatResumedTheOneThatDestroysItIsNotDestroyedUnderIt) {
  group_->start("lets the other", act([this] { gate_.let_one(); }));
  group_->start("destroys", act([this] { group_.reset(); }));
  gate_.let_one();
  EXPECT_EQ(noted(), (Notes{"acted", "act goes", "acted", "act goes"}));
  EXPECT_FALSE(gate_.has_waiting());
}

TEST_F(TaskGroupTest, ATaskMayEndWhileAnotherIsDestroyed) {
  const auto let_others = [this]() -> Task<void> {
    Gate own;
    const Local local([this] { gate_.let_all(); });
    co_await own.pass();
  };
  group_->start("lets others when it goes", let_others());
  group_->start("waits", wait("waits"));
  group_.reset();
  EXPECT_EQ(noted(), (Notes{"waits passed", "waits goes"}));
}

TEST_F(TaskGroupTest, AnExceptionEndsOneTaskAndIsToldWithItsName) {
  const auto fail = [this](int how) -> Task<void> {
    co_await gate_.pass();
    if (how == 1) throw std::runtime_error("no");
    throw how;
  };
  group_->start("first", fail(1));
  group_->start("second", fail(2));
  group_->start("third", wait("third"));
  gate_.let_one();
  gate_.let_one();
  EXPECT_EQ(noted(), (Notes{"first: no", "second: an exception of no known type"}));
  EXPECT_EQ(group_->running(), 1U);
  gate_.let_one();
  EXPECT_EQ(noted(), (Notes{"third passed", "third goes"}));
}

TEST_F(TaskGroupTest, WhatItsHandlerThrowsIsDropped) {
  TaskGroup group([](std::string_view, std::string_view) { throw std::runtime_error("too"); });
  const auto fail = []() -> Task<void> {
    throw std::runtime_error("no");
    co_return;
  };
  group.start("fails", fail());
  EXPECT_EQ(group.running(), 0U);
}

TEST_F(TaskGroupTest, CallsBackOnceWhenItIsEmpty) {
  group_->when_empty([this] { note("empty at once"); });
  EXPECT_EQ(noted(), (Notes{"empty at once"}));
  group_->start("first", wait("first"));
  group_->start("second", wait("second"));
  group_->when_empty([this] { note("empty"); });
  gate_.let_one();
  gate_.let_one();
  group_->start("third", wait("third"));
  gate_.let_one();
  EXPECT_EQ(noted(), (Notes{"first passed", "first goes", "second passed", "second goes", "empty",
                            "third passed", "third goes"}));
}

TEST_F(TaskGroupTest, CallsNobodyBackWhenItIsDestroyed) {
  group_->start("waits", wait("waits"));
  group_->when_empty([this] { note("empty"); });
  group_.reset();
  EXPECT_EQ(noted(), (Notes{"waits goes"}));
}

TEST_F(TaskGroupTest, MayBeDestroyedByWhoHearsThatItIsEmpty) {
  group_->start("last", wait("last"));
  group_->when_empty([this] { group_.reset(); });
  gate_.let_one();
  EXPECT_EQ(group_, nullptr);
}

// An awaiter that cannot wait after all: one throws, the other says so.
struct Unwilling {
  bool throws;
  [[nodiscard]] bool await_ready() const { return false; }
  [[nodiscard]] bool await_suspend(std::coroutine_handle<> /*waiting*/) const {
    if (throws) throw std::runtime_error("no room");
    return false;
  }
  void await_resume() const {}
};

TEST_F(TaskGroupTest, ATaskThatDidNotWaitAfterAllIsNotDestroyedWhileItRuns) {
  const auto destroy_after = [this](bool throws) -> Task<void> {
    const Local local([this] { note("goes"); });
    try {
      co_await Unwilling{throws};
    } catch (const std::runtime_error& error) {
      note(error.what());
    }
    group_.reset();
    note("still there");
    co_await Unwilling{false};
    ADD_FAILURE() << "it went on";
  };
  for (const bool throws : {true, false}) {
    group_->start("destroys", destroy_after(throws));
    EXPECT_EQ(noted(),
              throws ? (Notes{"no room", "still there", "goes"}) : (Notes{"still there", "goes"}));
    make_group();
  }
}

// Awaiters that name who is to run next, as a stream may that hands over to its reader.
TEST_F(TaskGroupTest, AnAwaiterMayHandOverToAnother) {
  struct HandOver : Linked {
    std::coroutine_handle<> next;
    [[nodiscard]] bool await_ready() const { return false; }
    [[nodiscard]] std::coroutine_handle<> await_suspend(std::coroutine_handle<> /*waiting*/) const {
      return next;
    }
    void await_resume() const {}
  };
  const auto hand_over = [this]() -> Task<void> {
    HandOver over;
    over.next = std::noop_coroutine();
    const Local local([this] { note("goes"); });
    co_await over;
  };
  group_->start("hands over", hand_over());
  EXPECT_EQ(group_->running(), 1U);
  group_.reset();
  EXPECT_EQ(noted(), (Notes{"goes"}));
}

}  // namespace
}  // namespace sluice
