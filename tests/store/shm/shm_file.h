// A segment of its own for each test, and what the tests of ShmStore ask of it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "manual_clock.h"
#include "run_task.h"
#include "store/shm/shm_store.h"
#include "temporary_directory.h"

namespace sluice::store {

constexpr std::size_t kSmall = std::size_t{64} << 10U;

inline limits::Limit fixed_window(std::int64_t quota, std::int64_t seconds = 3600) {
  return {.name = "chat", .tenant = "", .rate = {quota, {seconds, limits::Unit::kSecond}}};
}

// Whether all of it is charged; false for a denial, and for a failure too, which fails the test.
inline bool take(ShmStore& store, const std::vector<limits::Charge>& charges,
                 std::optional<TimePoint> now = std::nullopt) {
  const auto decision = run_now(store.take({charges}, now));
  if (!decision) ADD_FAILURE() << decision.error().detail;
  return decision && decision->allowed;
}

inline std::int64_t remaining(ShmStore& store, const std::string& key, const limits::Limit& limit) {
  const std::vector<limits::Charge> peek{{key, &limit, 0}};
  const auto decision = run_now(store.take({peek}, std::nullopt));
  if (!decision) ADD_FAILURE() << decision.error().detail;
  return decision ? decision->balances[0].remaining : -1;
}

// No block is lost, and none is used twice.
inline void expect_accounted(ShmStore& store) {
  const auto usage = store.usage();
  ASSERT_TRUE(usage) << usage.error().detail;
  EXPECT_EQ(usage->free, usage->unused);
  EXPECT_EQ(usage->free + usage->reachable, usage->blocks);
}

class ShmFile : public testing::Test {
 protected:
  [[nodiscard]] std::string path() const { return directory_.path() + "/buckets"; }

  [[nodiscard]] std::unique_ptr<ShmStore> open(ShmStore::Options options = {
                                                   .bytes = kSmall}) const {
    auto store = ShmStore::open(path(), clock_, options);
    if (!store) throw std::runtime_error(store.error().detail);
    return std::move(*store);
  }

  [[nodiscard]] std::string error_of_open(ShmStore::Options options = {.bytes = kSmall}) const {
    const auto store = ShmStore::open(path(), clock_, options);
    return store ? "" : store.error().detail;
  }

  TemporaryDirectory directory_;
  ManualClock clock_;
};

}  // namespace sluice::store
