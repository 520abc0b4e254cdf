// ShmStore in a file that is full: newcomers are served, for work that no size of it changes.
#include <filesystem>
#include <map>
#include <set>

#include "child_process.h"
#include "store/shm/shm_file.h"

namespace sluice::store {
namespace {

using limits::Charge;
using limits::Limit;
using std::chrono::seconds;

constexpr std::size_t kMiB = std::size_t{1} << 20U;

Limit log_of(std::int64_t window) {
  Limit log = fixed_window(limits::kMaxLogQuota, window);
  log.algorithm = limits::Algorithm::kSlidingLog;
  return log;
}

// The most blocks that the hand looks at for a decision that takes so many: kSweep to find what has
// expired and kReach to evict for each of them, and besides those all that are free.
std::size_t most_looks(std::size_t blocks) {
  return (ShmTable::kSweep + ShmTable::kReach + 1) * blocks + ShmTable::kReserve;
}

class ShmFullTest : public ShmFile {
 protected:
  // Opens `count` buckets of one block, one after the other: "PREFIX0", "PREFIX1" and so on.
  void fill(ShmStore& store, const std::string& prefix, const Limit& limit, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      clock_.advance(Duration(1));
      ASSERT_TRUE(take(store, {{prefix + std::to_string(i), &limit, 1}}));
    }
  }

  static std::set<std::string> held(ShmStore& store) {
    std::set<std::string> keys;
    const std::string dump = *store.dump();
    for (std::size_t at = 0; at < dump.size();) {
      keys.insert(dump.substr(at, dump.find('=', at) - at));
      at = std::min(dump.find(',', at), dump.size() - 1) + 1;
    }
    return keys;
  }

  // How many of "PREFIXfirst" to "PREFIXlast - 1" are there.
  static std::size_t count_held(ShmStore& store, const std::string& prefix, std::size_t first,
                                std::size_t last) {
    const auto keys = held(store);
    std::size_t count = 0;
    for (; first < last; ++first) count += keys.count(prefix + std::to_string(first));
    return count;
  }

  const Limit hour_ = fixed_window(10, 3600);
  const Limit brief_ = fixed_window(10, 1);
  const Limit log_ = log_of(3600);
};

// What a file is full of: the window and the units of each bucket.
struct Filling {
  std::string name;
  std::int64_t (*window)(std::size_t i);
  std::int64_t (*units)(std::size_t i);
};

std::int64_t hour(std::size_t /*i*/) {
  return 3600;
}
std::int64_t second(std::size_t /*i*/) {
  return 1;
}
std::int64_t either(std::size_t i) {
  return i % 2 == 0 ? 3600 : 1;
}
std::int64_t one(std::size_t /*i*/) {
  return 1;
}
std::int64_t most(std::size_t /*i*/) {
  return limits::kMaxLogQuota;
}
std::int64_t mixed(std::size_t i) {
  return i % 5 == 0 ? static_cast<std::int64_t>(i * 379 % limits::kMaxLogQuota + 1) : 1;
}

class FullOf : public ShmFullTest,
               public testing::WithParamInterface<std::tuple<Filling, std::size_t>> {
 protected:
  // To the brim, and over it.
  void fill_up() {
    const auto& filling = std::get<Filling>(GetParam());
    const std::size_t blocks = store_->usage()->blocks;
    std::size_t written = 0;
    for (std::size_t i = 0; written < blocks; ++i) {
      const Limit limit = log_of(filling.window(i));
      ASSERT_TRUE(take(*store_, {{"old" + std::to_string(i), &limit, filling.units(i)}}));
      written += ShmArena::blocks_for(static_cast<std::size_t>(filling.units(i)) * 8);
    }
    ASSERT_LT(store_->usage()->free, 1000U);
    clock_.advance(seconds(1));
  }

  void expect_served(const Charge& newcomer) {
    const std::size_t blocks = ShmArena::blocks_for(newcomer.key.size() + 31 +
                                                    8 * static_cast<std::size_t>(newcomer.cost));
    const std::uint64_t before = segment_->header().looks;
    ASSERT_TRUE(take(*store_, {newcomer})) << newcomer.key;
    ASSERT_LE(segment_->header().looks - before, most_looks(blocks)) << newcomer.key;
    ASSERT_EQ(remaining(*store_, newcomer.key, *newcomer.limit),
              newcomer.limit->quota() - newcomer.cost);
  }

  const std::size_t bytes_ = std::get<std::size_t>(GetParam());
  std::unique_ptr<ShmStore> store_ = open({.bytes = bytes_});
  Result<BucketFile> segment_ = BucketFile::open(path(), {bytes_, seconds(1), nullptr});
};

TEST_P(FullOf, BucketsServesNewcomersInBoundedWork) {
  fill_up();
  for (int i = 0; i < 1000; ++i) {
    clock_.advance(Duration(1));
    expect_served({"new" + std::to_string(i), &hour_, 1});
    if (i % 100 == 0) expect_served({"log" + std::to_string(i), &log_, limits::kMaxLogQuota});
  }
  expect_accounted(*store_);
}

INSTANTIATE_TEST_SUITE_P(
    ShmFullTest, FullOf,
    testing::Combine(testing::Values(Filling{"Live", hour, one}, Filling{"Expired", second, one},
                                     Filling{"HalfExpired", either, one},
                                     Filling{"BigLogs", hour, most},
                                     Filling{"BigLogsHalfExpired", either, most},
                                     Filling{"MixedSizes", hour, mixed},
                                     Filling{"MixedSizesHalfExpired", either, mixed}),
                     testing::Values(kMiB, 8 * kMiB)),
    [](const auto& of) {
      return std::get<Filling>(of.param).name +
             std::to_string(std::get<std::size_t>(of.param) / kMiB) + "MiB";
    });

// Where all looks are at live records, one goes for each newcomer: the oldest of kReach.
TEST_F(ShmFullTest, TheOldestGoFirst) {
  const auto store = open({.bytes = kMiB});
  const std::size_t room = store->usage()->blocks - ShmTable::kReserve;
  fill(*store, "old", hour_, room);
  ASSERT_EQ(count_held(*store, "old", 0, room), room);
  fill(*store, "new", hour_, room / 4);
  EXPECT_EQ(count_held(*store, "new", 0, room / 4), room / 4);
  EXPECT_EQ(count_held(*store, "old", 0, room), room - room / 4) << "one for each";
  EXPECT_EQ(count_held(*store, "old", room / 2, room), room - room / 2) << "the younger half";
  EXPECT_LT(count_held(*store, "old", 0, room / 10), room / 20) << "the oldest tenth";
}

TEST_F(ShmFullTest, ExpiredBucketsGoBeforeLiveOnes) {
  const auto store = open({.bytes = kMiB});
  const std::size_t half = (store->usage()->blocks - ShmTable::kReserve) / 2;
  fill(*store, "live", hour_, half);
  fill(*store, "expired", brief_, half);
  clock_.advance(seconds(1));
  fill(*store, "new", hour_, half / 2);
  EXPECT_EQ(count_held(*store, "live", 0, half), half);
}

// No matter where it begins: half as many newcomers as there are blocks take it round twice.
TEST_F(ShmFullTest, TheHandComesEverywhereInTwoRounds) {
  const auto store = open({.bytes = kMiB});
  const std::size_t blocks = store->usage()->blocks;
  for (const std::string round : {"a", "b", "c"}) {
    fill(*store, round, brief_, blocks - ShmTable::kReserve);
    clock_.advance(seconds(1));
    fill(*store, round + "new", hour_, 2 * blocks / ShmTable::kSweep + 1);
    EXPECT_EQ(count_held(*store, round, 0, blocks), 0U);
    clock_.advance(seconds(3600));
  }
}

TEST_F(ShmFullTest, WhoKeepsAskingIsNotForgotten) {
  const Limit ten = fixed_window(10, 3600);
  const Limit all = fixed_window(limits::kMaxQuota, 3600);
  for (const std::size_t bytes : {kSmall, kMiB}) {
    const auto store = open({.bytes = bytes});
    const std::size_t blocks = store->usage()->blocks;
    EXPECT_TRUE(take(*store, {{"denied", &ten, 10}, {"peeked", &ten, 4}}));
    for (std::size_t i = 0; i < 3 * blocks; ++i) {
      clock_.advance(Duration(1));
      ASSERT_TRUE(take(*store, {{"new" + std::to_string(i), &hour_, 1}}));
      ASSERT_FALSE(take(*store, {{"denied", &ten, 1}})) << i;
      ASSERT_EQ(remaining(*store, "peeked", ten), 6) << i;
      ASSERT_TRUE(take(*store, {{"charged", &all, 1}}));
    }
    EXPECT_EQ(remaining(*store, "charged", all),
              limits::kMaxQuota - static_cast<std::int64_t>(3 * blocks));
    std::filesystem::remove(path());
  }
}

// They seem to be of the future then, and a newcomer the oldest.
TEST_F(ShmFullTest, AClockSetBackSparesWhoCameSince) {
  const auto store = open({.bytes = kMiB});
  const std::size_t blocks = store->usage()->blocks;
  const Limit day = fixed_window(10, 86'400);
  fill(*store, "old", day, blocks);
  clock_.advance(-seconds(1800));
  fill(*store, "new", day, blocks / 4);
  EXPECT_EQ(count_held(*store, "new", 0, blocks / 4), blocks / 4);
}

// Of buckets that are the oldest there are, so those that would go next.
TEST_F(ShmFullTest, ADecisionEvictsNoneOfItsOwnBuckets) {
  const auto store = open();
  const std::size_t blocks = store->usage()->blocks;
  fill(*store, "k", hour_, blocks);
  std::map<std::string, std::int64_t> left;
  for (std::size_t round = 0; round < 100; ++round) {
    clock_.advance(Duration(1));
    std::vector<Charge> charges;
    for (std::size_t i = 0; i < 5; ++i) {
      charges.push_back({"k" + std::to_string((round * 5 + i) % blocks), &hour_, 1});
    }
    charges.push_back({"log" + std::to_string(round), &log_, 1000});
    std::erase_if(left, [&, now = held(*store)](const auto& k) { return !now.contains(k.first); });
    const auto decision = run_now(store->take({charges}, std::nullopt));
    ASSERT_TRUE(decision && decision->allowed);
    const auto after = held(*store);
    for (std::size_t i = 0; i < charges.size(); ++i) {
      const Charge& charge = charges[i];
      const auto before = left.try_emplace(charge.key, charge.limit->quota()).first;
      before->second -= charge.cost;
      EXPECT_EQ(after.count(charge.key), 1U) << charge.key;
      EXPECT_EQ(decision->balances[i].remaining, before->second) << charge.key;
    }
  }
  expect_accounted(*store);
}

TEST_F(ShmFullTest, WhatNoFileOfThisSizeHoldsIsRefusedAndEvictsNothing) {
  const auto store = open();
  fill(*store, "k", hour_, 300);
  const std::string before = *store->dump();
  const std::vector<Charge> charges{{"k299", &hour_, 1}, {"log", &log_, limits::kMaxLogQuota}};
  const auto decision = run_now(store->take({charges}, std::nullopt));
  ASSERT_FALSE(decision);
  EXPECT_EQ(decision.error().code, ErrorCode::kStoreUnavailable);
  EXPECT_EQ(decision.error().detail,
            "shared memory of 65536 bytes is too small for the buckets of one decision; raise "
            "storage.shared_memory_mb");
  EXPECT_EQ(*store->dump(), before);
  EXPECT_TRUE(take(*store, {{"k299", &hour_, 1}, {"new", &hour_, 1}}));
}

// Logs as long as any, all of which are replaced, so that they are there twice for a moment.
TEST_F(ShmFullTest, TheLargestDecisionFitsTwoMiB) {
  const auto store = open({.bytes = 2 * kMiB});
  fill(*store, "k", hour_, store->usage()->blocks);
  std::vector<Charge> charges;
  for (std::size_t i = 1; i < limits::kMaxLimits; ++i) {
    charges.push_back({std::string(ShmArena::kMaxKey - 1, 'k') + std::to_string(i), &log_,
                       limits::kMaxLogQuota - 1});
  }
  EXPECT_TRUE(take(*store, charges));
  for (Charge& charge : charges) charge.cost = 1;
  charges.push_back({"new", &hour_, 1});
  EXPECT_TRUE(take(*store, charges));
  for (const Charge& charge : charges) {
    EXPECT_EQ(remaining(*store, charge.key, *charge.limit), charge.limit == &log_ ? 0 : 9);
  }
  expect_accounted(*store);
}

TEST_F(ShmFullTest, ProcessesThatEvictAtOnceCountExactly) {
  constexpr int kWorkers = 3;
  constexpr int kEach = 2000;
  const Limit all = fixed_window(limits::kMaxQuota);
  const ShmStore::Options options{.bytes = kSmall, .lock_wait = seconds(60)};
  const auto store = open(options);
  fill(*store, "old", hour_, 300);
  std::vector<ChildProcess> workers;
  for (int worker = 0; worker < kWorkers; ++worker) {
    workers.emplace_back([&, worker] {
      const auto mine = open(options);
      bool served = true;
      for (int i = 0; i < kEach; ++i) {
        const std::string key = std::to_string(worker) + "new" + std::to_string(i);
        served = take(*mine, {{"all", &all, 1}, {key, &hour_, 1}}) && served;
      }
      return served;
    });
  }
  for (ChildProcess& worker : workers) EXPECT_TRUE(worker.ends_well());
  EXPECT_EQ(remaining(*store, "all", all), limits::kMaxQuota - std::int64_t{kWorkers} * kEach);
  expect_accounted(*store);
}

}  // namespace
}  // namespace sluice::store
