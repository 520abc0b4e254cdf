#include "handlers/store_probe.h"

#include <deque>
#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>

#include "run_task.h"
#include "test_resources.h"

namespace sluice::handlers {
namespace {

constexpr TimePoint kNoon{std::chrono::seconds(1'800'000'000)};

Duration ms(int count) {
  return std::chrono::milliseconds(count);
}

// A store that answers when the test says so, or throws.
class SlowStore final : public store::BucketStore {
 public:
  [[nodiscard]] Task<Result<limits::Decision>> take(limits::Ask ask,
                                                    std::optional<TimePoint> /*now*/) override {
    EXPECT_EQ(ask.charges.size(), 1U);
    ++takes_;
    co_await Gate{waiting_};
    if (throws_) throw std::runtime_error("no");
    if (is_up_) co_return limits::Decision{};
    co_return fail(ErrorCode::kStoreUnavailable);
  }
  [[nodiscard]] Task<Result<std::int64_t>> reset(std::span<const std::string> /*keys*/) override {
    co_return 0;
  }

  void answer(bool is_up, bool throws = false) {
    is_up_ = is_up;
    throws_ = throws;
    const auto waiting = waiting_.front();
    waiting_.pop_front();
    waiting.resume();
  }

  int takes_ = 0;

 private:
  struct Gate {
    std::deque<std::coroutine_handle<>>& waiting;
    [[nodiscard]] bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> handle) { waiting.push_back(handle); }
    void await_resume() const {}
  };

  std::deque<std::coroutine_handle<>> waiting_;
  bool is_up_ = false;
  bool throws_ = false;
};

class StoreProbeTest : public testing::Test {
 protected:
  // Asks, and notes the answer when it comes.
  void ask(TimePoint now) { start(note(probe_.is_up(now), answers_)); }

  static Task<void> note(Task<bool> question, std::vector<bool>& answers) {
    answers.push_back(co_await std::move(question));
  }

  SlowStore store_;
  StoreProbe probe_{store_, {"health", &kTestHealth, 1}};
  std::vector<bool> answers_;
};

TEST_F(StoreProbeTest, AllWhoAskMeanwhileShareOneProbe) {
  for (const bool is_up : {true, false}) {
    StoreProbe probe(store_, {"health", &kTestHealth, 1});
    std::vector<bool> answers;
    store_.takes_ = 0;
    for (int i = 0; i < 50; ++i) start(note(probe.is_up(kNoon + ms(i * 10)), answers));
    EXPECT_EQ(store_.takes_, 1);  // though it took longer than an answer is fresh
    EXPECT_TRUE(answers.empty());
    store_.answer(is_up);
    EXPECT_EQ(answers, std::vector<bool>(50, is_up));
  }
}

TEST_F(StoreProbeTest, AnAnswerServesThoseWhoComeLaterForATenthOfASecond) {
  struct Row {
    int at;  // in milliseconds
    bool probes;
  };
  const std::vector<Row> rows{{0, true},   {0, false},   {50, false}, {99, false},
                              {100, true}, {199, false}, {201, true}, {10'000, true}};
  int takes = 0;
  for (const Row& row : rows) {
    ask(kNoon + ms(row.at));
    if (row.probes) {
      ASSERT_EQ(store_.takes_, ++takes) << row.at;
      store_.answer(true);
    }
    EXPECT_EQ(store_.takes_, takes) << row.at;
  }
  EXPECT_EQ(answers_, std::vector<bool>(rows.size(), true));
}

TEST_F(StoreProbeTest, AClockThatWasSetBackKeepsNoAnswer) {
  ask(kNoon);
  store_.answer(true);
  ask(kNoon - ms(1));
  EXPECT_EQ(store_.takes_, 2);
  store_.answer(false);
  EXPECT_EQ(answers_, (std::vector<bool>{true, false}));
}

TEST_F(StoreProbeTest, AStoreThatThrowsIsDownForAllWhoWait) {
  for (int i = 0; i < 3; ++i) ask(kNoon);
  store_.answer(true, true);
  EXPECT_EQ(answers_, std::vector<bool>(3, false));
  ask(kNoon + ms(100));
  store_.answer(true);
  EXPECT_TRUE(answers_.back());
}

// Each is resumed once, whatever those before it do.
TEST_F(StoreProbeTest, WhoIsAnsweredMayAskAgainAtOnce) {
  const auto again = [](StoreProbe& probe, std::vector<bool>& answers) -> Task<void> {
    answers.push_back(co_await probe.is_up(kNoon));
    answers.push_back(co_await probe.is_up(kNoon + ms(500)));
  };
  for (int i = 0; i < 3; ++i) start(again(probe_, answers_));
  store_.answer(true);
  EXPECT_EQ(answers_, std::vector<bool>(3, true));
  EXPECT_EQ(store_.takes_, 2);
  store_.answer(false);
  EXPECT_EQ(answers_, (std::vector<bool>{true, true, true, false, false, false}));
}

// A coroutine that its owner may end while it waits.
struct Owned {
  struct promise_type {
    Owned get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
    [[nodiscard]] std::suspend_never initial_suspend() const noexcept { return {}; }
    [[nodiscard]] std::suspend_always final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); }
  };
  std::coroutine_handle<> handle;
};

TEST_F(StoreProbeTest, WhoGoesMeanwhileIsNotResumed) {
  const auto wait = [](StoreProbe& probe, std::vector<bool>& answers) -> Owned {
    answers.push_back(co_await probe.is_up(kNoon));
  };
  const Owned first = wait(probe_, answers_);  // whose question began the probe
  const Owned second = wait(probe_, answers_);
  const Owned third = wait(probe_, answers_);
  first.handle.destroy();
  third.handle.destroy();
  store_.answer(true);
  EXPECT_EQ(answers_, std::vector<bool>{true});
  EXPECT_TRUE(second.handle.done());
  second.handle.destroy();
}

}  // namespace
}  // namespace sluice::handlers
