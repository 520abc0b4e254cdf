#include "store/memory/memory_store.h"

#include <gtest/gtest.h>

#include "manual_clock.h"
#include "run_task.h"

namespace sluice::store {
namespace {

TEST(MemoryStoreTest, ForgetsClosedWindowsAsItGrows) {
  ManualClock clock;
  MemoryStore store(clock, {.sweep_at = 10});
  const limits::Limit limit{.name = "chat", .tenant = "", .rate = {1, {10, limits::Unit::kSecond}}};
  for (int i = 0; i < 1000; ++i) {
    clock.advance(std::chrono::seconds(1));
    const std::vector<limits::Charge> charges{{std::to_string(i), &limit, 1}};
    EXPECT_TRUE(run_now(store.take({charges}, std::nullopt))->allowed);
    EXPECT_LE(store.size(), 21U);
  }
}

}  // namespace
}  // namespace sluice::store
