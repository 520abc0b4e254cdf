#include "base/task.h"

#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "gate.h"
#include "run_task.h"

namespace sluice {
namespace {

Task<int> one() {
  co_return 1;
}

Task<int> sum_of_ones(int count) {
  int sum = 0;
  for (int i = 0; i < count; ++i) sum += co_await one();
  co_return sum;
}

Task<int> depth(int left) {
  if (left == 0) co_return 0;
  const int below = co_await depth(left - 1);
  co_return below + 1;
}

Task<int> refuse() {
  throw std::runtime_error("no");
  co_return 0;
}

Task<std::string> caught() {
  std::string text;
  try {
    static_cast<void>(co_await refuse());
  } catch (const std::runtime_error& error) {
    text = error.what();
  }
  co_return text;
}

Task<void> wait_and_note(Gate& gate, std::vector<std::string>& notes) {
  notes.emplace_back("before");
  co_await gate.pass();
  notes.emplace_back("after");
}

TEST(TaskTest, AwaitingYieldsTheValue) {
  EXPECT_EQ(run_now(sum_of_ones(3)), 3);
}

TEST(TaskTest, ALongLoopAndADeepChainUseNoStack) {
#if defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__)
  constexpr int kMany = 1'000'000;
#else
  constexpr int kMany = 1'000;  // symmetric transfer is a tail call in optimised builds only
#endif
  EXPECT_EQ(run_now(sum_of_ones(kMany)), kMany);
  EXPECT_EQ(run_now(depth(1'000)), 1'000);
}

TEST(TaskTest, AnExceptionReachesTheAwaiter) {
  EXPECT_EQ(run_now(caught()), "no");
}

TEST(TaskTest, NothingRunsBeforeItIsAwaited) {
  Gate gate;
  std::vector<std::string> notes;
  { const auto never_awaited = wait_and_note(gate, notes); }
  EXPECT_TRUE(notes.empty());
}

TEST(TaskTest, AStartedTaskRunsToItsFirstWaitAndGoesOnWhenResumed) {
  Gate gate;
  std::vector<std::string> notes;
  TestTasks tasks;
  tasks.start(wait_and_note(gate, notes));
  EXPECT_EQ(notes, (std::vector<std::string>{"before"}));
  gate.let_one();
  EXPECT_EQ(notes, (std::vector<std::string>{"before", "after"}));
}

}  // namespace
}  // namespace sluice
