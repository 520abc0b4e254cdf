// TaskGroup: the owner of detached tasks, which nobody awaits. It starts, names and waits for them,
// and ends those that are left when it goes.
//
// A group belongs to the object whose members its tasks use, as its last member: then no task is
// resumed after that object is gone. One thread: no locks.
#pragma once

#include <cstddef>
#include <functional>
#include <string_view>

#include "base/linked_list.h"
#include "base/task.h"

namespace sluice {

class TaskGroup {
 public:
  // Told of a task that let an exception escape: the task's name, and what() of the exception. The
  // task has ended. What this function itself throws is dropped. REQUIRES: it destroys no group.
  using OnFailure = std::function<void(std::string_view name, std::string_view what)>;
  using Callback = std::function<void()>;

  explicit TaskGroup(OnFailure on_failure) : on_failure_(std::move(on_failure)) {}
  // Ends all tasks, and calls nobody back. A task that waits is destroyed at once, with all that it
  // awaits. A task that runs at this moment, because it or something that it resumed destroys the
  // group, goes on to its next wait and is destroyed there.
  ~TaskGroup();
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  // Runs `task` until its first wait; whoever it waits for resumes it. While the group is
  // destroyed, the task is destroyed too and never runs. `name` is static text.
  void start(std::string_view name, Task<void> task);

  // How many tasks have not ended yet.
  [[nodiscard]] std::size_t running() const { return running_; }

  // Calls back once, when no task is left; at once if there is none. The callback may destroy this
  // group. A second call replaces the first.
  void when_empty(Callback on_empty);

 private:
  struct Promise;
  struct Started;

  [[nodiscard]] static Started run(Task<void> task);
  void on_end();
  void report(std::string_view name);

  OnFailure on_failure_;
  Callback on_empty_;
  bool is_ending_ = false;
  std::size_t running_ = 0;
  LinkedList<Promise> tasks_;
  LinkedList<Promise> ending_;  // those that ran when they were to end
};

}  // namespace sluice
