#include "telemetry/counters.h"

#include <csignal>
#include <optional>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "child_process.h"
#include "region_memory.h"
#include "temporary_directory.h"

namespace sluice::telemetry {
namespace {

constexpr std::size_t kSlotWords = 136;

class CountersTest : public testing::Test {
 protected:
  std::atomic<std::uint64_t>& word(std::size_t slot, std::size_t number) const {
    return reinterpret_cast<std::atomic<std::uint64_t>*>(
        memory().data())[slot * kSlotWords + number];
  }
  [[nodiscard]] std::uint64_t owner(std::size_t slot) const { return word(slot, 0); }
  [[nodiscard]] std::span<std::byte> memory() const { return segment_.memory(kCountersRegion); }

  // Takes a slot, counts a request and comes to a stop.
  ChildProcess stopped_worker() {
    ChildProcess worker([&] {
      Counters counters(memory());
      counters.add(0, Outcome::kAllowed);
      ::raise(SIGSTOP);
      return true;
    });
    EXPECT_TRUE(worker.stops());
    return worker;
  }

  TemporaryDirectory directory_;
  shm::Segment segment_ =
      *shm::Segment::open(directory_.path() + "/shared", {&kCountersRegion, 1}, true);
};

TEST_F(CountersTest, WorkersCountTogether) {
  Counters one(memory());
  Counters other(memory());
  one.add(3, Outcome::kDenied);
  other.add(3, Outcome::kDenied);
  other.add(Total::kUnits, 5);
  EXPECT_EQ(one.sum(3, Outcome::kDenied), 2U);
  EXPECT_EQ(one.sum(Total::kUnits), 5U);
  EXPECT_EQ(other.sum(3, Outcome::kAllowed), 0U);
  EXPECT_EQ(other.sum(Total::kBarred), 0U);
}

TEST_F(CountersTest, LieInMemoryAsIsTold) {
  Counters counters(memory());
  EXPECT_EQ(memory().size(), Counters::kSlots * kSlotWords * 8);
  EXPECT_EQ(owner(0) & 0x3fffff, static_cast<std::uint64_t>(::getpid()));
  for (std::size_t i = 0; i < kTotals.size(); ++i) {
    counters.add(static_cast<Total>(i), 10 + i);
    EXPECT_EQ(word(0, 1 + i), 10 + i) << kTotals.at(i);
  }
  for (std::size_t route = 0; route < Counters::kRoutes; ++route) {
    for (std::size_t i = 0; i < kOutcomes.size(); ++i) {
      counters.add(route, static_cast<Outcome>(i));
      EXPECT_EQ(word(0, 8 + route * 8 + i), 1U) << kOutcomes.at(i);
    }
  }
}

// What stands in the memory of workers that run is of these places.
TEST_F(CountersTest, HaveNamesInThisOrder) {
  using Names = std::vector<std::string_view>;
  EXPECT_EQ(Names(kOutcomes.begin(), kOutcomes.end()),
            (Names{"allowed", "denied", "refused", "failed", "unfinished"}));
  EXPECT_EQ(Names(kTotals.begin(), kTotals.end()),
            (Names{"on_store_error", "barred", "crowded", "units"}));
}

TEST_F(CountersTest, ARouteBeyondThoseThatHavePlacesIsAnother) {
  Counters counters(memory());
  counters.add(Counters::kRoutes, Outcome::kAllowed);
  counters.add(1000, Outcome::kAllowed);
  EXPECT_EQ(counters.sum(Counters::kOtherRoutes, Outcome::kAllowed), 2U);
  EXPECT_EQ(counters.sum(1000, Outcome::kAllowed), 2U);
}

TEST_F(CountersTest, AWorkerThatEndsGivesItsSlotBackAndLeavesItsCounts) {
  std::optional<Counters> first(memory());
  Counters second(memory());
  first->add(0, Outcome::kAllowed);
  EXPECT_NE(owner(0), 0U);
  EXPECT_NE(owner(1), 0U);
  first.reset();
  EXPECT_EQ(owner(0), 0U);
  EXPECT_EQ(second.sum(0, Outcome::kAllowed), 1U);
  Counters third(memory());
  third.add(0, Outcome::kAllowed);
  EXPECT_EQ(word(0, 8), 2U) << "it goes on where the first was";
}

TEST_F(CountersTest, AWorkerThatDiesLeavesItsCountsToWhoComesNext) {
  ChildProcess worker = stopped_worker();
  const std::uint64_t dead = owner(0);
  Counters beside(memory());
  EXPECT_EQ(owner(0), dead) << "it lives";
  EXPECT_NE(owner(1), 0U);
  worker.signal(SIGKILL);
  EXPECT_FALSE(worker.ends_well());
  EXPECT_EQ(owner(0), dead);
  EXPECT_EQ(beside.sum(0, Outcome::kAllowed), 1U);
  Counters next(memory());
  EXPECT_EQ(owner(0), owner(1)) << "both are of this process";
  EXPECT_EQ(next.sum(0, Outcome::kAllowed), 1U);
}

TEST_F(CountersTest, APidThatIsUsedAgainIsNoMistake) {
  std::uint64_t mine = 0;
  {
    Counters counters(memory());
    mine = owner(0);
  }
  word(0, 0) = mine + (1U << 22U);  // this pid, of a process that began later
  Counters counters(memory());
  EXPECT_EQ(owner(0), mine);
  EXPECT_EQ(owner(1), 0U);
}

TEST_F(CountersTest, AWorkerWhoseSlotWasTakenLeavesItThere) {
  {
    Counters counters(memory());
    word(0, 0) = 7;
  }
  EXPECT_EQ(owner(0), 7U);
}

TEST_F(CountersTest, WithoutASlotAWorkerCountsForItself) {
  Counters first(memory());
  for (std::size_t slot = 1; slot < Counters::kSlots; ++slot) word(slot, 0) = owner(0);
  first.add(0, Outcome::kAllowed);
  {
    Counters late(memory());
    EXPECT_FALSE(late.has_slot());
    late.add(0, Outcome::kAllowed);
    late.add(Total::kUnits, 3);
    EXPECT_EQ(late.sum(0, Outcome::kAllowed), 2U);
    EXPECT_EQ(late.sum(Total::kUnits), 3U);
  }
  EXPECT_EQ(first.sum(0, Outcome::kAllowed), 1U);
  EXPECT_EQ(owner(Counters::kSlots - 1), owner(0));
}

TEST_F(CountersTest, NoCountIsLostWhereManyCountAtOnce) {
  constexpr int kWorkers = 4;
  constexpr int kEach = 10'000;
  std::vector<ChildProcess> workers;
  for (int i = 0; i < kWorkers; ++i) {
    workers.emplace_back([&] {
      Counters counters(memory());
      for (int n = 0; n < kEach; ++n) counters.add(0, Outcome::kAllowed);
      return counters.has_slot();
    });
  }
  for (ChildProcess& worker : workers) EXPECT_TRUE(worker.ends_well());
  EXPECT_EQ(Counters(memory()).sum(0, Outcome::kAllowed), std::uint64_t{kWorkers} * kEach);
}

}  // namespace
}  // namespace sluice::telemetry
