// The base of decorators.
#include "store/store.h"

#include <gtest/gtest.h>

#include "manual_clock.h"
#include "run_task.h"
#include "store/memory/memory_store.h"

namespace sluice::store {
namespace {

TEST(ForwardingStoreTest, PassesEveryQuestionAndEveryAnswerOn) {
  const ManualClock clock;
  MemoryStore memory(clock, {});
  ForwardingStore store(memory);
  const limits::Limit limit{.name = "chat", .tenant = "", .rate = {2, {10, limits::Unit::kSecond}}};
  const std::vector<limits::Charge> charges{{"key", &limit, 2}};
  const std::vector<std::string> keys{"key", "other"};
  const TimePoint now = clock.now() + std::chrono::hours(1);
  EXPECT_TRUE(run_now(store.take({charges}, now))->allowed);
  EXPECT_FALSE(run_now(memory.take({charges}, now))->allowed);
  EXPECT_EQ(run_now(store.reset(keys)), 1);
  const auto decision = run_now(store.take({charges}, now));
  ASSERT_TRUE(decision);
  EXPECT_TRUE(decision->allowed);
  EXPECT_EQ(decision->at, now);
}

}  // namespace
}  // namespace sluice::store
