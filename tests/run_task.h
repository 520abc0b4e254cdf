// Runs tasks from the ordinary code of a test.
#pragma once

#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

#include "base/task_group.h"

namespace sluice {

// A group whose tasks must not throw. The last member of a fixture, as in the code.
class TestTasks {
 public:
  void start(Task<void> task) { group_->start("a test's", std::move(task)); }
  // Ends all tasks, as the owner of a group does that goes. REQUIRES: nothing is started
  // afterwards.
  void stop() { group_.reset(); }
  [[nodiscard]] std::size_t running() const { return group_->running(); }

 private:
  std::optional<TaskGroup> group_{std::in_place,
                                  [](std::string_view /*name*/, std::string_view what) {
                                    fmt::print(stderr, "a test's task failed: {}\n", what);
                                    std::abort();
                                  }};
};

template <class T>
Task<void> keep_result(Task<T> task, std::optional<T>& result) {
  result.emplace(co_await std::move(task));
}

// Runs a task that needs no loop to its end.
template <class T>
T run_now(Task<T> task) {
  std::optional<T> result;
  TestTasks tasks;
  tasks.start(keep_result(std::move(task), result));
  if (!result) throw std::logic_error("the task is still waiting");
  return std::move(*result);
}

}  // namespace sluice
