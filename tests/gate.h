// A place where tasks wait until the test lets them go on.
#pragma once

#include <coroutine>

#include "base/linked_list.h"

namespace sluice {

class Gate {
 public:
  // co_await gate.pass();
  class Pass : public Linked {
   public:
    explicit Pass(Gate& gate) : gate_(gate) {}
    [[nodiscard]] bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> waiting) {
      waiting_ = waiting;
      gate_.waiting_.push_back(*this);
    }
    void await_resume() const {}

   private:
    friend class Gate;
    Gate& gate_;
    std::coroutine_handle<> waiting_;
  };
  [[nodiscard]] Pass pass() { return Pass(*this); }

  [[nodiscard]] bool has_waiting() const { return !waiting_.empty(); }
  // The one that has waited longest goes on. REQUIRES: has_waiting().
  void let_one() { waiting_.pop_front().waiting_.resume(); }
  // All who wait now go on.
  void let_all() {
    LinkedList<Pass> all;
    while (!waiting_.empty()) all.push_back(waiting_.pop_front());
    while (!all.empty()) all.pop_front().waiting_.resume();
  }

 private:
  LinkedList<Pass> waiting_;
};

}  // namespace sluice
