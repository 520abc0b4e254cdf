// Task<T>: a lazy coroutine that yields one T to the one coroutine that awaits it.
//
// A Task starts when it is awaited and resumes its awaiter by symmetric transfer, so a chain of any
// depth uses no stack. A TaskGroup (base/task_group.h) runs one from ordinary code. Destroying a
// Task that waits destroys all that it waits for. One thread: no locks, and no Task crosses
// threads.
//
// An awaiter is what a coroutine waits with: it keeps the coroutine's handle where somebody will
// find and resume it. REQUIRES of an awaiter: its destructor takes the handle away from there,
// because whoever waits may be destroyed meanwhile.
#pragma once

#include <concepts>
#include <coroutine>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include "base/recycled.h"

namespace sluice {

template <class T>
class Task;

namespace task_detail {

// What the coroutines of one detached task share: the task that a TaskGroup started, and all that
// it awaits. It lives in the outermost frame.
struct Root {
  std::coroutine_handle<> frame;  // the outermost
  bool is_running = true;         // false while the innermost coroutine waits
  bool must_end = false;          // at its next wait, as it could not be destroyed while it ran
};

// Notes around a wait that the task does not run; all else is the awaiter's.
template <class Awaiter>
struct Wait {
  Awaiter&& awaiter;
  Root* root;  // nullptr: no TaskGroup started this

  [[nodiscard]] bool await_ready() { return awaiter.await_ready(); }

  template <class Promise>
  auto await_suspend(std::coroutine_handle<Promise> waiting) {
    using Suspended = decltype(awaiter.await_suspend(waiting));
    // NOLINTNEXTLINE(clang-analyzer-core.uninitialized.Branch): it does not see await_transform()
    if (root && root->must_end) {
      root->frame.destroy();  // this object too
      if constexpr (std::same_as<Suspended, bool>) {
        return true;
      } else if constexpr (!std::same_as<Suspended, void>) {
        return std::coroutine_handle<>(std::noop_coroutine());
      } else {
        return;
      }
    }
    set_running(false);
    try {
      return awaiter.await_suspend(waiting);
    } catch (...) {
      set_running(true);
      throw;
    }
  }

  decltype(auto) await_resume() {
    set_running(true);
    return awaiter.await_resume();
  }

 private:
  void set_running(bool running) {
    if (root) root->is_running = running;
  }
};

struct ResumeAwaiter {
  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <class Promise>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> finished) const noexcept {
    return finished.promise().awaiter;
  }
  void await_resume() const noexcept {}
};

// Its frame is recycled.
struct PromiseBase : Recycled {
  std::coroutine_handle<> awaiter = std::noop_coroutine();
  std::exception_ptr exception;
  Root* root = nullptr;

  [[nodiscard]] std::suspend_always initial_suspend() const noexcept { return {}; }
  [[nodiscard]] ResumeAwaiter final_suspend() const noexcept { return {}; }
  void unhandled_exception() noexcept { exception = std::current_exception(); }

  // A Task is awaited as it is; of anything else, which somebody must resume, it is noted.
  template <class T>
  [[nodiscard]] Task<T>&& await_transform(Task<T>&& task) const noexcept {
    return std::move(task);
  }
  template <class Awaiter>
  [[nodiscard]] Wait<Awaiter> await_transform(Awaiter&& waits_with) const noexcept {
    return {std::forward<Awaiter>(waits_with), root};
  }
};

template <class T>
struct Promise : PromiseBase {
  std::optional<T> value;

  Task<T> get_return_object() noexcept;
  template <class U>
  void return_value(U&& result) {
    value.emplace(std::forward<U>(result));
  }
  T take() {
    if (exception) std::rethrow_exception(exception);
    return std::move(*value);
  }
};

template <>
struct Promise<void> : PromiseBase {
  Task<void> get_return_object() noexcept;
  void return_void() const noexcept {}
  void take() const {
    if (exception) std::rethrow_exception(exception);
  }
};

}  // namespace task_detail

template <class T>
class [[nodiscard]] Task {
 public:
  using promise_type = task_detail::Promise<T>;
  using Handle = std::coroutine_handle<promise_type>;

  explicit Task(Handle handle) noexcept : handle_(handle) {}
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  Task& operator=(Task&&) = delete;
  ~Task() {
    if (handle_) handle_.destroy();
  }

  struct Awaiter {
    Handle handle;
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <class Promise>
    [[nodiscard]] std::coroutine_handle<> await_suspend(
        std::coroutine_handle<Promise> awaiter) const noexcept {
      handle.promise().awaiter = awaiter;
      handle.promise().root = awaiter.promise().root;
      return handle;
    }
    T await_resume() const { return handle.promise().take(); }
  };
  // Awaiting starts the coroutine. REQUIRES: awaited at most once.
  Awaiter operator co_await() && noexcept { return {handle_}; }

 private:
  Handle handle_;
};

namespace task_detail {

template <class T>
Task<T> Promise<T>::get_return_object() noexcept {
  return Task<T>(std::coroutine_handle<Promise>::from_promise(*this));
}

inline Task<void> Promise<void>::get_return_object() noexcept {
  return Task<void>(std::coroutine_handle<Promise>::from_promise(*this));
}

}  // namespace task_detail

}  // namespace sluice
