// The tasks that count denials, for which no answer waits.
#include <optional>
#include <stdexcept>

#include <gtest/gtest.h>

#include "gate.h"
#include "limiter/limiter.h"
#include "manual_clock.h"
#include "region_memory.h"
#include "run_task.h"
#include "store/memory/memory_store.h"

namespace sluice::limiter {
namespace {

using limits::Decision;
using std::chrono::seconds;

// As Redis: what is asked in one turn of the loop is answered together.
class TurnStore final : public store::ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;

  [[nodiscard]] Task<Result<Decision>> take(limits::Ask ask,
                                            std::optional<TimePoint> now) override {
    co_await turn_.pass();
    if (throws) throw std::runtime_error("no");
    auto decision = co_await ForwardingStore::take(ask, now);
    co_return decision;
  }
  void end_turn() { turn_.let_all(); }
  [[nodiscard]] bool has_waiting() const { return turn_.has_waiting(); }

  bool throws = false;

 private:
  Gate turn_;
};

Task<void> ignore(Task<Decision> task) {
  (void)co_await std::move(task);
}

// Each waits for its store twice: for the decision, and then to be counted.
class CountingTest : public testing::Test {
 protected:
  CountingTest() {
    identity_.tenant = "acme";
    identity_.session = SessionId{1};
    identity_.standing = Standing::kKnown;
  }

  // A decision, denied but for the first; its denial is on its way to be counted.
  void decide() {
    tasks_.start(ignore(limiter().decide(set_, identity_, "chat", 1)));
    turns_.end_turn();
  }
  Limiter& limiter() { return *limiter_; }

  const limits::Limit limit_{.name = "chat",
                             .tenant = "acme",
                             .scope = limits::Fact::kSession,
                             .rate = {1, {10, limits::Unit::kSecond}}};
  const limits::LimitSet set_{&limit_};
  identity::Identity identity_;
  ManualClock clock_;
  store::MemoryStore store_{clock_, {}};
  TurnStore turns_{store_};
  NewcomerMemory newcomers_;
  std::optional<Limiter> limiter_{std::in_place, turns_, clock_, newcomers_,
                                  Limiter::Options{.penalty = {.after = 2, .first = seconds(60)}}};
  TestTasks tasks_;
};

TEST_F(CountingTest, ManyDenialsAtOnceAreOne) {
  for (int i = 0; i < 40; ++i) {
    tasks_.start(ignore(limiter().decide(set_, identity_, "chat", 1)));
  }
  while (turns_.has_waiting()) turns_.end_turn();
  std::optional<Decision> decision;
  tasks_.start(keep_result(limiter().decide(set_, identity_, "chat", 1), decision));
  turns_.end_turn();
  ASSERT_TRUE(decision);
  EXPECT_EQ(decision->barred_by, limits::BarredBy::kNone);
}

TEST_F(CountingTest, GoesWithTheLimiter) {
  decide();
  decide();
  ASSERT_TRUE(turns_.has_waiting());
  limiter_.reset();
  EXPECT_FALSE(turns_.has_waiting());
}

TEST_F(CountingTest, IsWaitedForByADrain) {
  int drained = 0;
  limiter().drain([&] { ++drained; });
  EXPECT_EQ(drained, 1) << "nothing is counted";
  decide();
  decide();
  limiter().drain([&] { ++drained; });
  EXPECT_EQ(drained, 1);
  turns_.end_turn();
  EXPECT_EQ(drained, 2);
}

TEST_F(CountingTest, ThatFailedIsBegunAgainByTheNextDenial) {
  decide();
  decide();
  turns_.throws = true;
  turns_.end_turn();
  turns_.throws = false;
  EXPECT_FALSE(turns_.has_waiting());
  decide();
  EXPECT_TRUE(turns_.has_waiting());
}

}  // namespace
}  // namespace sluice::limiter
