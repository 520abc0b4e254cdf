#include "base/task_group.h"

#include <utility>

#include "base/recycled.h"
#include "base/thrown.h"

namespace sluice {

// Of the outermost coroutine of a task, which frees its frame when it ends.
struct TaskGroup::Promise : task_detail::Root, Linked, Recycled {
  TaskGroup* group = nullptr;  // nullptr once the group is gone
  std::string_view name;
  task_detail::Root* root = this;  // for the Task that is awaited

  Promise() = default;
  Promise(const Promise&) = delete;
  Promise& operator=(const Promise&) = delete;
  ~Promise() {
    unlink();
    if (group) group->on_end();
  }

  [[nodiscard]] Started get_return_object();
  [[nodiscard]] std::suspend_always initial_suspend() const noexcept { return {}; }
  [[nodiscard]] std::suspend_never final_suspend() const noexcept { return {}; }
  void return_void() const noexcept {}
  void unhandled_exception() const noexcept {
    if (group) group->report(name);
  }
};

struct TaskGroup::Started {
  using promise_type = Promise;
  std::coroutine_handle<Promise> handle;
};

TaskGroup::Started TaskGroup::Promise::get_return_object() {
  const auto handle = std::coroutine_handle<Promise>::from_promise(*this);
  frame = handle;
  return {handle};
}

// The task goes before the promise does: who is told that the group is empty may destroy what the
// task used.
TaskGroup::Started TaskGroup::run(Task<void> task) {
  co_await Task<void>(std::move(task));
}

TaskGroup::~TaskGroup() {
  is_ending_ = true;
  on_empty_ = nullptr;
  while (!tasks_.empty()) {
    Promise& task = tasks_.pop_front();
    if (task.is_running) {
      task.must_end = true;
      ending_.push_back(task);
    } else {
      task.frame.destroy();
    }
  }
  while (!ending_.empty()) ending_.pop_front().group = nullptr;
}

void TaskGroup::start(std::string_view name, Task<void> task) {
  if (is_ending_) return;
  Promise& promise = run(std::move(task)).handle.promise();
  promise.group = this;
  promise.name = name;
  tasks_.push_back(promise);
  ++running_;
  promise.frame.resume();
}

void TaskGroup::when_empty(Callback on_empty) {
  if (running_ == 0) return on_empty();
  on_empty_ = std::move(on_empty);
}

void TaskGroup::on_end() {
  --running_;
  if (running_ == 0 && on_empty_) std::exchange(on_empty_, nullptr)();
}

void TaskGroup::report(std::string_view name) {
  try {
    on_failure_(name, thrown());
  } catch (...) {  // the task has ended all the same
    return;
  }
}

}  // namespace sluice
