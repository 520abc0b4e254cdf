#include "handlers/store_probe.h"

#include <coroutine>
#include <utility>

#include "base/linked_list.h"

namespace sluice::handlers {

// One probe, and who waits for it.
struct StoreProbe::Round {
  bool done = false;
  bool up = false;
  LinkedList<Wait> waiting;
};

class StoreProbe::Wait : public Linked {
 public:
  explicit Wait(std::shared_ptr<Round> round) : round_(std::move(round)) {}

  [[nodiscard]] bool await_ready() const { return round_->done; }
  void await_suspend(std::coroutine_handle<> awaiter) {
    awaiter_ = awaiter;
    round_->waiting.push_back(*this);
  }
  [[nodiscard]] bool await_resume() const { return round_->up; }

  void resume() { awaiter_.resume(); }

 private:
  std::shared_ptr<Round> round_;
  std::coroutine_handle<> awaiter_;
};

StoreProbe::StoreProbe(store::BucketStore& store, limits::Charge charge)
    : store_(store), charge_(std::move(charge)) {}

Task<bool> StoreProbe::is_up(TimePoint now) {
  // A clock that was set back makes no answer fresh.
  const bool fresh = now >= asked_at_ && now - asked_at_ < kFresh;
  if (!round_ || (round_->done && !fresh)) {
    asked_at_ = now;
    round_ = std::make_shared<Round>();
    tasks_.start("ask whether the store is up", ask(round_));
  }
  Wait wait(round_);
  co_return co_await wait;
}

// Runs by itself: who began it may go before the others have their answer.
Task<void> StoreProbe::ask(std::shared_ptr<Round> round) {
  try {
    const auto answer = co_await store_.take({{&charge_, 1}}, std::nullopt);
    round->up = answer.has_value();
  } catch (...) {
    round->up = false;  // whatever it was, the store has not answered, and others wait
  }
  round->done = true;
  // Each leaves the list before it runs: it may go, and is not to be resumed again.
  while (!round->waiting.empty()) round->waiting.pop_front().resume();
}

}  // namespace sluice::handlers
