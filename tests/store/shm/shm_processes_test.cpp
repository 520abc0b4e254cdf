// ShmStore among processes: opening at once, a stopped owner of the mutex, exact counts.
#include <atomic>
#include <chrono>
#include <filesystem>
#include <thread>

#include "base/unique_fd.h"
#include "child_process.h"
#include "store/shm/shm_file.h"

namespace sluice::store {
namespace {

using limits::Charge;
using limits::Limit;
using std::chrono::seconds;
using std::chrono::steady_clock;

// A gate that children wait at, and that the parent opens once.
class Gate {
 public:
  Gate() {
    std::array<int, 2> ends{};
    if (pipe(ends.data()) != 0) throw std::runtime_error("pipe");
    read_ = UniqueFd(ends[0]);
    write_ = UniqueFd(ends[1]);
  }
  void open() { write_.reset(); }
  // In a child: until the parent has opened it, or is gone.
  void pass() {
    write_.reset();
    char byte = 0;
    static_cast<void>(::read(read_.get(), &byte, 1));
  }

 private:
  UniqueFd read_;
  UniqueFd write_;
};

// Steps until a process kills itself; none while negative.
int steps_left = -1;

void die_in_time(std::string_view /*step*/) {
  if (steps_left > 0 && --steps_left == 0) raise(SIGKILL);
}

void stop_when_staged(std::string_view step) {
  if (step == "staged") raise(SIGSTOP);
}

class ShmProcessesTest : public ShmFile {
 protected:
  // On a loaded machine an owner can be off its processor for long: no error here.
  static constexpr ShmStore::Options kPatient{.bytes = kSmall, .lock_wait = seconds(60)};
};

TEST_F(ShmProcessesTest, ManyThatOpenAtOnceMakeOneFile) {
  const Limit many = fixed_window(1000);
  for (int round = 0; round < 10; ++round) {
    Gate gate;
    std::vector<ChildProcess> children;
    for (int i = 0; i < 8; ++i) {
      children.emplace_back([&] {
        gate.pass();
        const auto store = open(kPatient);
        for (int n = 0; n < 10; ++n) {
          if (!take(*store, {{"k", &many, 1}})) return false;
        }
        return true;
      });
    }
    gate.open();
    for (ChildProcess& child : children) EXPECT_TRUE(child.ends_well());
    EXPECT_EQ(remaining(*open(), "k", many), 920);
    std::filesystem::remove(path());
  }
}

TEST_F(ShmProcessesTest, AMakerThatDiesHalfWayIsNoObstacle) {
  const Limit two = fixed_window(2);
  bool survived = false;
  for (int step = 1; !survived; ++step) {
    ASSERT_LT(step, 100);
    survived = ChildProcess([&] {
                 steps_left = step;
                 return take(*open({.bytes = kSmall, .on_step = die_in_time}), {{"k", &two, 1}});
               }).ends_well();
    const auto store = open();
    const std::int64_t left = remaining(*store, "k", two);
    EXPECT_TRUE(left == 1 || (left == 2 && !survived)) << "step " << step;
    expect_accounted(*store);
    std::filesystem::remove(path());
  }
}

TEST_F(ShmProcessesTest, AStoppedOwnerCostsOneWaitAndNoMore) {
  constexpr Duration kWait = std::chrono::milliseconds(20);
  const Limit two = fixed_window(2);
  const auto store = open({.bytes = kSmall, .lock_wait = kWait});
  ChildProcess child([&] {
    return take(*open({.bytes = kSmall, .on_step = stop_when_staged}), {{"k", &two, 1}});
  });
  ASSERT_TRUE(child.stops());
  const std::vector<Charge> charges{{"k", &two, 1}};
  const auto before = steady_clock::now();
  const auto late = run_now(store->take({charges}, std::nullopt));
  EXPECT_GE(steady_clock::now() - before, kWait);
  EXPECT_LT(steady_clock::now() - before, seconds(10));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::kStoreUnavailable);
  EXPECT_EQ(late.error().detail, "shared memory is locked for long");
  const auto after = steady_clock::now();
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(run_now(store->take({charges}, std::nullopt)));
  EXPECT_LT(steady_clock::now() - after, 50 * kWait);
  child.signal(SIGCONT);
  EXPECT_TRUE(child.ends_well());
  EXPECT_TRUE(take(*store, charges));
  EXPECT_FALSE(take(*store, charges)) << "the child's unit is gone";
  EXPECT_EQ(store->usage()->recoveries, 0U);
}

TEST_F(ShmProcessesTest, AStoppedOwnerThatIsKilledIsRecoveredFrom) {
  const Limit two = fixed_window(2);
  const auto store = open();
  ChildProcess child([&] {
    return take(*open({.bytes = kSmall, .on_step = stop_when_staged}), {{"k", &two, 1}});
  });
  ASSERT_TRUE(child.stops());
  const std::vector<Charge> charges{{"k", &two, 1}};
  EXPECT_FALSE(run_now(store->take({charges}, std::nullopt)));
  child.signal(SIGKILL);
  EXPECT_FALSE(child.ends_well());
  EXPECT_EQ(remaining(*store, "k", two), 2);
  EXPECT_EQ(store->usage()->recoveries, 1U);
  expect_accounted(*store);
}

// Whoever was to wake the next was killed instead: the mutex is free, and nobody says so.
TEST_F(ShmProcessesTest, AWakeUpThatWasLostIsNotWaitedFor) {
  const auto segment = BucketFile::open(path(), {kSmall, seconds(1), nullptr});
  ASSERT_TRUE(segment);
  // glibc and the kernel agree on this word: who holds the mutex, and a bit that says "waiters".
  std::atomic_ref word(*reinterpret_cast<int*>(&segment->header().mutex));
  Gate gate;
  ChildProcess owner([&] {
    if (segment->lock(seconds(1)) != 0) return false;
    gate.open();
    while (word >= 0) std::this_thread::yield();
    word = 0;
    return true;
  });
  gate.pass();
  const auto before = steady_clock::now();
  EXPECT_EQ(segment->lock(seconds(60)), 0);
  segment->unlock();
  EXPECT_LT(steady_clock::now() - before, seconds(30));
  EXPECT_TRUE(owner.ends_well());
}

struct Counts {
  std::atomic<std::int64_t> sent;
  std::atomic<std::int64_t> allowed;
  std::atomic<std::int64_t> failed;
};

// Four workers send 20,000 decisions each, over four keys and one that all share. The clock is the
// machine's: no worker's time may make another's bucket lie in the future.
class ExactCounts : public ShmProcessesTest {
 protected:
  static constexpr int kWorkers = 4;
  static constexpr int kEach = 20'000;  // a log is dearer, and takes a fifth of that

  std::vector<ChildProcess> start_workers(const Limit& each, const Limit& all) {
    std::vector<ChildProcess> workers;
    for (int worker = 0; worker < kWorkers; ++worker) {
      workers.emplace_back([&] {
        const SystemClock clock;
        const auto store = ShmStore::open(path(), clock, kPatient);
        const bool log = all.algorithm == limits::Algorithm::kSlidingLog;
        for (int i = 0; i < (log ? kEach / 5 : kEach) && store; ++i) {
          const std::vector<Charge> charges{{"k" + std::to_string(i % 4), &each, 1},
                                            {"all", &all, 1}};
          ++counts_->sent;
          const auto decision = run_now((*store)->take({charges}, std::nullopt));
          if (!decision) ++counts_->failed;
          if (decision && decision->allowed) ++counts_->allowed;
        }
        return store.has_value();
      });
    }
    return workers;
  }

  Shared<Counts> counts_;
};

TEST_F(ExactCounts, AreTheQuotaOrWhatWasSent) {
  const SystemClock clock;
  for (const std::int64_t quota : {50'000, 1'000'000}) {
    const Limit each = fixed_window(quota);
    const Limit all = fixed_window(quota);
    const auto store = *ShmStore::open(path(), clock, kPatient);
    for (ChildProcess& worker : start_workers(each, all)) EXPECT_TRUE(worker.ends_well());
    const std::int64_t expected = std::min<std::int64_t>(quota, std::int64_t{kWorkers} * kEach);
    EXPECT_EQ(counts_->sent.exchange(0), kWorkers * kEach);
    EXPECT_EQ(counts_->failed, 0);
    EXPECT_EQ(counts_->allowed.exchange(0), expected);
    EXPECT_EQ(remaining(*store, "all", all), quota - expected);
    expect_accounted(*store);
    std::filesystem::remove(path());
  }
}

// A log forgets what lies in the future: so it tells, if a worker read its clock too early.
TEST_F(ExactCounts, AreExactInALogToo) {
  const SystemClock clock;
  const Limit each = fixed_window(limits::kMaxQuota);
  Limit all = fixed_window(300);
  all.algorithm = limits::Algorithm::kSlidingLog;
  const auto store = *ShmStore::open(path(), clock, kPatient);
  for (ChildProcess& worker : start_workers(each, all)) EXPECT_TRUE(worker.ends_well());
  EXPECT_EQ(counts_->allowed, 300);
  EXPECT_EQ(counts_->failed, 0);
}

TEST_F(ExactCounts, AreNeverMoreWhileAWorkerIsKilled) {
  const SystemClock clock;
  const Limit each = fixed_window(50'000);
  const Limit all = fixed_window(50'000);
  const auto store = *ShmStore::open(path(), clock, kPatient);
  std::vector<ChildProcess> workers = start_workers(each, all);
  while (counts_->allowed < 10'000) std::this_thread::yield();
  workers.front().signal(SIGKILL);
  EXPECT_FALSE(workers.front().ends_well());
  for (std::size_t i = 1; i < workers.size(); ++i) EXPECT_TRUE(workers[i].ends_well());
  EXPECT_EQ(counts_->failed, 0);
  const std::int64_t used = 50'000 - remaining(*store, "all", all);
  EXPECT_EQ(used, 50'000);
  EXPECT_LE(counts_->allowed, used);
  EXPECT_GE(counts_->allowed, used - 1) << "the last decision of the killed one, at most";
  expect_accounted(*store);
}

}  // namespace
}  // namespace sluice::store
