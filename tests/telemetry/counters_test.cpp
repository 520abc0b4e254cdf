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

constexpr std::size_t kHeadWords = 3 * 128 * 24 + 128;
constexpr std::size_t kSlotWords = 1216;
constexpr Place kOfRoute = Counters::of_route(0, Outcome::kAllowed);

class CountersTest : public testing::Test {
 protected:
  std::atomic<std::uint64_t>& word(std::size_t slot, std::size_t number) const {
    return reinterpret_cast<std::atomic<std::uint64_t>*>(
        memory().data())[kHeadWords + slot * kSlotWords + number];
  }
  [[nodiscard]] std::uint64_t owner(std::size_t slot) const { return word(slot, 0); }
  [[nodiscard]] std::span<std::byte> memory() const {
    return segment_.memory(policy::kCountersRegion);
  }

  // Takes a slot, counts a request and comes to a stop.
  ChildProcess stopped_worker() {
    ChildProcess worker([&] {
      Counters counters(memory());
      counters.add(kOfRoute);
      ::raise(SIGSTOP);
      return true;
    });
    EXPECT_TRUE(worker.stops());
    return worker;
  }

  TemporaryDirectory directory_;
  shm::Segment segment_ =
      *shm::Segment::open(directory_.path() + "/shared", {&policy::kCountersRegion, 1}, true);
};

TEST_F(CountersTest, WorkersCountTogether) {
  Counters one(memory());
  Counters other(memory());
  const std::size_t chat = one.routes().number({"chat"});
  EXPECT_EQ(other.routes().number({"chat"}), chat);
  one.add(Counters::of_route(chat, Outcome::kDenied));
  other.add(Counters::of_route(chat, Outcome::kDenied));
  other.add(Counters::of(Total::kUnits), 5);
  EXPECT_EQ(one.sum(Counters::of_route(chat, Outcome::kDenied)), 2U);
  EXPECT_EQ(one.sum(Counters::of(Total::kUnits)), 5U);
  EXPECT_EQ(other.sum(Counters::of_route(chat, Outcome::kAllowed)), 0U);
  EXPECT_EQ(other.sum(Counters::of(Total::kBarred)), 0U);
}

TEST_F(CountersTest, LieInMemoryAsIsTold) {
  Counters counters(memory());
  EXPECT_EQ(memory().size(), (kHeadWords + Counters::kSlots * kSlotWords) * 8);
  EXPECT_EQ(owner(0) & 0x3fffff, static_cast<std::uint64_t>(::getpid()));
  std::vector<std::size_t> words;
  std::vector<Place> places;
  const auto lies = [&](Place place, std::size_t at) {
    places.push_back(place);
    words.push_back(at);
  };
  for (std::size_t i = 0; i < kTotals.size(); ++i) {
    lies(Counters::of(static_cast<Total>(i)), 1 + i);
  }
  for (std::size_t i = 0; i <= kDurationBounds.size(); ++i) {
    lies(Counters::of_duration(Timed::kDecision, i), 8 + i);
    lies(Counters::of_duration(Timed::kStoreCall, i), 24 + i);
  }
  lies(Counters::of_duration_sum(Timed::kDecision), 22);
  lies(Counters::of_duration_sum(Timed::kStoreCall), 38);
  for (std::size_t i = 0; i < kStoreFaults.size(); ++i) {
    lies(Counters::of(static_cast<StoreFault>(i)), 40 + i);
  }
  for (std::size_t number = 0; number <= Names::kOther; ++number) {
    for (std::size_t i = 0; i < kOutcomes.size(); ++i) {
      lies(Counters::of_route(number, static_cast<Outcome>(i)), 48 + number * 5 + i);
    }
    for (std::size_t i = 0; i < kLimitEvents.size(); ++i) {
      lies(Counters::of_limit(number, static_cast<LimitEvent>(i)), 693 + number * 3 + i);
    }
    lies(Counters::of_tenant(number), 1080 + number);
  }
  for (std::size_t i = 0; i < places.size(); ++i) counters.add(places[i], 1000 + i);
  for (std::size_t i = 0; i < places.size(); ++i)
    EXPECT_EQ(word(0, words[i]), 1000 + i) << words[i];
}

TEST_F(CountersTest, WhatTakesTimeIsCountedByHowLongItTook) {
  Counters counters(memory());
  for (const std::int64_t took : {-5, 0, 100, 101, 1'000'000, 1'000'001}) {
    counters.add_duration(Timed::kStoreCall, Duration(took));
  }
  EXPECT_EQ(counters.sum(Counters::of_duration(Timed::kStoreCall, 0)), 3U);
  EXPECT_EQ(counters.sum(Counters::of_duration(Timed::kStoreCall, 1)), 1U);
  EXPECT_EQ(counters.sum(Counters::of_duration(Timed::kStoreCall, 12)), 1U);
  EXPECT_EQ(counters.sum(Counters::of_duration(Timed::kStoreCall, 13)), 1U);
  EXPECT_EQ(counters.sum(Counters::of_duration_sum(Timed::kStoreCall)), 2'000'202U);
  EXPECT_EQ(counters.sum(Counters::of_duration_sum(Timed::kDecision)), 0U);
}

TEST_F(CountersTest, WorkersAreThoseThatLive) {
  Counters counters(memory());
  EXPECT_EQ(counters.workers(), 1U);
  ChildProcess worker = stopped_worker();
  EXPECT_EQ(counters.workers(), 2U);
  worker.signal(SIGKILL);
  EXPECT_FALSE(worker.ends_well());
  EXPECT_EQ(counters.workers(), 1U);
}

// What stands in the memory of workers that run is of these places.
TEST_F(CountersTest, HaveNamesInThisOrder) {
  using Texts = std::vector<std::string_view>;
  EXPECT_EQ(Texts(kOutcomes.begin(), kOutcomes.end()),
            (Texts{"allowed", "denied", "refused", "failed", "unfinished"}));
  EXPECT_EQ(
      Texts(kTotals.begin(), kTotals.end()),
      (Texts{"on_store_error", "barred", "crowded", "units", "store_decisions", "script_sent"}));
  EXPECT_EQ(Texts(kStoreFaults.begin(), kStoreFaults.end()),
            (Texts{"refused", "timeout", "lost", "error", "nonsense"}));
  EXPECT_EQ(Texts(kLimitEvents.begin(), kLimitEvents.end()),
            (Texts{"denied", "shadow_denied", "near"}));
}

TEST_F(CountersTest, AWorkerThatEndsGivesItsSlotBackAndLeavesItsCounts) {
  std::optional<Counters> first(memory());
  Counters second(memory());
  first->add(kOfRoute);
  EXPECT_NE(owner(0), 0U);
  EXPECT_NE(owner(1), 0U);
  first.reset();
  EXPECT_EQ(owner(0), 0U);
  EXPECT_EQ(second.sum(kOfRoute), 1U);
  Counters third(memory());
  third.add(kOfRoute);
  EXPECT_EQ(word(0, kOfRoute.word), 2U) << "it goes on where the first was";
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
  EXPECT_EQ(beside.sum(kOfRoute), 1U);
  Counters next(memory());
  EXPECT_EQ(owner(0), owner(1)) << "both are of this process";
  EXPECT_EQ(next.sum(kOfRoute), 1U);
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
  first.add(kOfRoute);
  {
    Counters late(memory());
    EXPECT_FALSE(late.has_slot());
    late.add(kOfRoute);
    late.add(Counters::of(Total::kUnits), 3);
    EXPECT_EQ(late.sum(kOfRoute), 2U);
    EXPECT_EQ(late.sum(Counters::of(Total::kUnits)), 3U);
  }
  EXPECT_EQ(first.sum(kOfRoute), 1U);
  EXPECT_EQ(owner(Counters::kSlots - 1), owner(0));
}

TEST_F(CountersTest, NoCountIsLostWhereManyCountAtOnce) {
  constexpr int kWorkers = 4;
  constexpr int kEach = 10'000;
  std::vector<ChildProcess> workers;
  for (int i = 0; i < kWorkers; ++i) {
    workers.emplace_back([&] {
      Counters counters(memory());
      for (int n = 0; n < kEach; ++n) counters.add(kOfRoute);
      return counters.has_slot();
    });
  }
  for (ChildProcess& worker : workers) EXPECT_TRUE(worker.ends_well());
  EXPECT_EQ(Counters(memory()).sum(kOfRoute), std::uint64_t{kWorkers} * kEach);
}

}  // namespace
}  // namespace sluice::telemetry
