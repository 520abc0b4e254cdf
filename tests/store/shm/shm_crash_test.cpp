// ShmStore under workers that die: at a random instruction, and at every step there is.
#include <algorithm>
#include <atomic>
#include <filesystem>
#include <random>
#include <thread>

#include "base/sip_hash.h"
#include "child_process.h"
#include "full_set.h"
#include "store/shm/shm_file.h"

namespace sluice::store {
namespace {

using limits::Charge;
using limits::Limit;
using std::chrono::seconds;

// Steps until this process kills itself; 0: never.
int die_after = 0;
std::vector<std::string> steps_seen;

void count_down(std::string_view step) {
  if (die_after > 0 && --die_after == 0) raise(SIGKILL);
  steps_seen.emplace_back(step);
}

class ShmCrashTest : public ShmFile {
 protected:
  std::int64_t used(const std::string& key) {
    return limits::kMaxQuota - remaining(*store_, key, huge_);
  }
  // What every survivor must find: the same count in all buckets.
  std::int64_t used_of_all(const std::vector<Charge>& charges) {
    const std::int64_t first = used(charges.front().key);
    for (const Charge& charge : charges) EXPECT_EQ(used(charge.key), first) << charge.key;
    expect_accounted(*store_);
    return first;
  }

  const Limit huge_ = fixed_window(limits::kMaxQuota);
  std::unique_ptr<ShmStore> store_;
};

// A child hammers; the parent kills it after some decisions and some turns of a loop, so anywhere.
TEST_F(ShmCrashTest, AKillAtARandomMomentLeavesAllOrNone) {
  constexpr unsigned kSeed = 20261121;
  const int rounds = is_full_set() ? 500 : 60;
  std::mt19937 random(kSeed);
  store_ = open();
  const std::vector<Charge> charges{{"a", &huge_, 1}, {"b", &huge_, 1}, {"c", &huge_, 1}};
  const Shared<std::atomic<std::int64_t>> done;
  std::int64_t expected = 0;
  for (int round = 0; round < rounds; ++round) {
    *done = 0;
    ChildProcess child([&] {
      while (take(*store_, charges)) ++*done;
      return true;
    });
    const auto decisions = static_cast<std::int64_t>(random() % 50);
    while (*done < decisions) std::this_thread::yield();
    for (volatile auto turns = random() % 20'000; turns > 0;) turns = turns - 1;
    child.signal(SIGKILL);
    EXPECT_FALSE(child.ends_well());
    const std::int64_t found = used_of_all(charges);
    ASSERT_GE(found, expected + *done) << "round " << round << " seed " << kSeed;
    ASSERT_LE(found, expected + *done + 1) << "round " << round << " seed " << kSeed;
    expected = found;
  }
  const std::size_t recoveries = store_->usage()->recoveries;
  RecordProperty("recoveries", static_cast<int>(recoveries));
  EXPECT_GT(recoveries, static_cast<std::size_t>(rounds / 10)) << "few died with the mutex";
}

// Everything that a decision can do to the table, in one: new buckets, some in one slot; one that
// is there; one in several blocks that grows; expired ones that are swept, or live ones that are
// evicted.
class EveryStep : public ShmCrashTest {
 protected:
  // Makes the file that each round starts from, with so many other buckets. From some 90 on those
  // that are expired are swept; 300 fill it, and all are asked for at one instant, so any may go.
  void prepare(int others, bool expired, std::int64_t units = 100) {
    store_ = open();
    const Limit limit = fixed_window(1, expired ? 1 : 3600);
    for (int i = 0; i < others; ++i) EXPECT_TRUE(take(*store_, {{std::to_string(i), &limit, 1}}));
    if (expired) clock_.advance(seconds(1));
    const auto [one, two] = keys_of_one_slot();
    log_ = huge_;
    log_.rate.quota = limits::kMaxLogQuota;
    log_.algorithm = limits::Algorithm::kSlidingLog;
    charges_ = {{one, &huge_, 1}, {"old", &huge_, 1}, {"log", &log_, 1}, {two, &huge_, 1}};
    EXPECT_TRUE(take(*store_, {{"old", &huge_, 1}, {"log", &log_, units}}));
    store_.reset();
    std::filesystem::rename(path(), path() + ".start");
    start_again();
  }

  // The same file, byte for byte: so the same steps come in the same order.
  void start_again() {
    store_.reset();
    std::filesystem::copy_file(path() + ".start", path(),
                               std::filesystem::copy_options::overwrite_existing);
    store_ = open({.bytes = kSmall, .on_step = count_down});
    before_ = counts();
    steps_seen.clear();
  }

  std::vector<std::int64_t> counts() {
    std::vector<std::int64_t> all;
    for (const Charge& charge : charges_) {
      all.push_back(charge.limit->quota() - remaining(*store_, charge.key, *charge.limit));
    }
    return all;
  }
  std::vector<std::int64_t> counts_after() const {
    std::vector<std::int64_t> all = before_;
    for (std::int64_t& count : all) ++count;
    return all;
  }

  // What a new record had shadowed must not come back when that goes.
  void expect_forgotten() {
    std::vector<std::string> keys;
    for (const Charge& charge : charges_) keys.push_back(charge.key);
    EXPECT_EQ(*run_now(store_->reset(keys)), 4);
    EXPECT_EQ(counts(), (std::vector<std::int64_t>{0, 0, 0, 0}));
  }

  // A child that dies at a step of `work`. Whether it lived.
  bool lives(int step, const std::function<bool()>& work) {
    return ChildProcess([&] {
             die_after = step;
             return work();
           })
        .ends_well();
  }

  [[nodiscard]] std::pair<std::string, std::string> keys_of_one_slot() const {
    const auto segment = BucketFile::open(path(), {kSmall, seconds(1), nullptr});
    const auto slot = [&](const std::string& key) {
      return (SipHash::of(key, segment->header().hash_seed) >> 32U) * segment->slots().size() >>
             32U;
    };
    int i = 1;
    while (slot(std::to_string(1000 + i)) != slot("1000")) ++i;
    return {"1000", std::to_string(1000 + i)};
  }

  Limit log_;
  std::vector<Charge> charges_;
  std::vector<std::int64_t> before_;
};

class EveryStepOf : public EveryStep, public testing::WithParamInterface<bool> {};

TEST_P(EveryStepOf, ADecisionLeavesAllOrNone) {
  const bool evicts = GetParam();
  prepare(evicts ? 300 : 100, !evicts, evicts ? 1500 : 100);
  EXPECT_TRUE(take(*store_, charges_));
  const std::vector<std::string> steps = steps_seen;
  const auto published = std::find(steps.begin(), steps.end(), "published");
  ASSERT_NE(published, steps.end());
  EXPECT_GT(std::count(steps.begin(), published, "unlinked"), 0) << "no room was made";
  EXPECT_EQ(std::count(steps.begin(), steps.end(), "swapped"), 4);
  for (std::size_t i = 0; i < steps.size(); ++i) {
    start_again();
    EXPECT_FALSE(lives(static_cast<int>(i) + 1, [&] { return take(*store_, charges_); }));
    const bool decided = steps.begin() + static_cast<std::ptrdiff_t>(i) >= published;
    EXPECT_EQ(counts(), decided ? counts_after() : before_) << "died at " << steps[i] << ", " << i;
    expect_accounted(*store_);
    EXPECT_EQ(store_->usage()->recoveries, 1U);
    EXPECT_TRUE(take(*store_, charges_));
    expect_forgotten();
  }
}

INSTANTIATE_TEST_SUITE_P(ShmCrashTest, EveryStepOf, testing::Bool(),
                         [](const auto& of) { return of.param ? "ThatEvicts" : "ThatSweeps"; });

// The first dies at a step after it has published, the second at one of recovering from that.
TEST_F(EveryStep, OfARecoveryIsRecoveredFrom) {
  prepare(0, true);
  EXPECT_TRUE(take(*store_, charges_));
  const std::vector<std::string> steps = steps_seen;
  const auto published = std::find(steps.begin(), steps.end(), "published") - steps.begin();
  const int stride = is_full_set() ? 1 : 7;
  for (auto first = published; first < std::ssize(steps); first += stride) {
    bool recovered = false;
    for (int second = 1; !recovered; ++second) {
      ASSERT_LT(second, 500);
      start_again();
      EXPECT_FALSE(lives(static_cast<int>(first) + 1, [&] { return take(*store_, charges_); }));
      recovered = lives(second, [&] { return store_->usage().has_value(); });
      EXPECT_EQ(counts(), counts_after()) << "died at " << steps[static_cast<std::size_t>(first)]
                                          << ", and recovering at step " << second;
      expect_accounted(*store_);
    }
  }
}

TEST_F(EveryStep, OfAResetForgetsWholeBuckets) {
  prepare(0, true);
  const std::vector<std::string> keys{"old", "log"};
  bool lived = false;
  for (int step = 1; !lived; ++step) {
    ASSERT_LT(step, 100);
    start_again();
    lived = lives(step, [&] { return *run_now(store_->reset(keys)) == 2; });
    const auto found = counts();
    EXPECT_TRUE(found[1] == 0 || found[1] == 1);
    EXPECT_TRUE(found[2] == 0 || found[2] == 100);
    expect_accounted(*store_);
  }
}

}  // namespace
}  // namespace sluice::store
