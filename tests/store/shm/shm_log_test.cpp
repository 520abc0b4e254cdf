// What ShmStore tells the log, and what it does with buckets that are none.
#include <array>
#include <fstream>

#include <fcntl.h>

#include "base/unique_fd.h"
#include "child_process.h"
#include "store/shm/shm_file.h"

namespace sluice::store {
namespace {

using limits::Charge;
using limits::Limit;
using std::chrono::seconds;

class ShmLogTest : public ShmFile {
 protected:
  [[nodiscard]] ShmStore::Options told() { return {.bytes = kSmall, .log = &log_}; }

  // Level, event and what follows the pid of each new line, one to a line.
  std::string logged() {
    std::string lines;
    for (std::string line; std::getline(read_, line);) {
      const std::string more = after(line, "\"pid\":\"");
      const std::size_t fields = more.find('"') + 1;
      std::string rest = more.substr(fields, more.size() - fields - 1);
      if (rest.starts_with(',')) rest.erase(0, 1);
      lines += text_of(line, "level") + ": " + text_of(line, "event") + " " + rest + "\n";
    }
    read_.clear();
    return lines;
  }
  static std::string after(const std::string& line, const std::string& mark) {
    const std::size_t found = line.find(mark);
    return found == std::string::npos ? "" : line.substr(found + mark.size());
  }
  static std::string text_of(const std::string& line, const std::string& name) {
    const std::string value = after(line, "\"" + name + "\":\"");
    return value.substr(0, value.find('"'));
  }

  // A record that encode() never makes, under this key.
  void spoil(ShmStore& store, const std::string& key) {
    ASSERT_TRUE(store.usage());  // whoever looks first makes the table ready
    const auto segment = BucketFile::open(path(), {kSmall, seconds(1), nullptr});
    ASSERT_TRUE(segment);
    ShmTable table(*segment, nullptr);
    ASSERT_EQ(segment->lock(seconds(1)), 0);
    const std::array writes{ShmTable::Write{table.key(key), "rubbish", clock_.now() + seconds(60)}};
    EXPECT_TRUE(table.replace(writes, clock_.now()));
    segment->unlock();
  }

  static ErrorCode error_of(ShmStore& store, const std::string& key, const Limit& limit) {
    const std::vector<Charge> charges{{key, &limit, 1}};
    const auto decision = run_now(store.take({charges}, std::nullopt));
    if (decision) ADD_FAILURE() << "no error";
    return decision ? ErrorCode::kInternal : decision.error().code;
  }

  const std::string log_path_ = directory_.path() + "/log";
  UniqueFd write_{::open(log_path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)};
  std::ifstream read_{log_path_};
  telemetry::Log log_{write_.get(), clock_, {}};
};

TEST_F(ShmLogTest, AStoreThatIsDownAndUpAgainSaysSoOnce) {
  const Limit many = fixed_window(100);
  const auto store = open(told());
  const auto segment = BucketFile::open(path(), {kSmall, seconds(1), nullptr});
  ASSERT_TRUE(take(*store, {{"k", &many, 1}}));
  EXPECT_EQ(logged(), "");
  ChildProcess owner([&] { return segment->lock(seconds(1)) == 0 && raise(SIGSTOP) == 0; });
  ASSERT_TRUE(owner.stops());
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(error_of(*store, "secret", many), ErrorCode::kStoreUnavailable);
  }
  EXPECT_EQ(logged(), "error: store is down \"reason\":\"shared memory is locked for long\"\n");
  owner.signal(SIGKILL);
  EXPECT_FALSE(owner.ends_well());
  EXPECT_TRUE(take(*store, {{"k", &many, 1}}));
  EXPECT_EQ(logged(), "warning: store recovered \"reason\":\"a worker died with the mutex\"\n");
  clock_.advance(seconds(5));
  EXPECT_EQ(remaining(*store, "k", many), 98);
  EXPECT_EQ(logged(), "") << "a peek writes nothing";
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(take(*store, {{"k", &many, 1}}));
  EXPECT_EQ(logged(), "info: store is up \"storage\":\"shm://" + path() + "\"\n");
}

// Large decisions fail and small ones do not, in turn.
TEST_F(ShmLogTest, AStoreThatIsTooSmallIsDownAndNotUpInTurn) {
  const Limit many = fixed_window(1000);
  Limit log = fixed_window(limits::kMaxLogQuota);
  log.algorithm = limits::Algorithm::kSlidingLog;
  const std::vector<Charge> large{{"log", &log, limits::kMaxLogQuota}};
  const auto store = open(told());
  EXPECT_FALSE(run_now(store->take({large}, std::nullopt)));
  EXPECT_EQ(logged(),
            "error: store is down \"reason\":\"shared memory of 65536 bytes is too small for the "
            "buckets of one decision; raise storage.shared_memory_mb\"\n");
  for (int i = 0; i < 20; ++i) {
    clock_.advance(seconds(1));
    EXPECT_TRUE(take(*store, {{"k", &many, 1}}));
    EXPECT_FALSE(run_now(store->take({large}, std::nullopt)));
  }
  EXPECT_EQ(logged(), "");
  clock_.advance(-seconds(1000));  // a clock that is set back does not keep it down
  EXPECT_TRUE(take(*store, {{"k", &many, 1}}));
  EXPECT_NE(logged(), "");
}

TEST_F(ShmLogTest, AFullStoreIsToldOnceAMinuteWhileLiveBucketsGo) {
  const Limit brief = fixed_window(10, 1);
  const Limit day = fixed_window(10, 86'400);
  const std::string line =
      "warning: store is full \"reason\":\"buckets in use are forgotten, as "
      "storage.shared_memory_mb is too small\"\n";
  const auto store = open(told());
  int next = 0;
  const auto open_buckets = [&](const Limit& limit, int count) {
    for (; count > 0; --count) EXPECT_TRUE(take(*store, {{std::to_string(next++), &limit, 1}}));
  };
  open_buckets(brief, 150);
  clock_.advance(seconds(1));
  open_buckets(day, 150);
  EXPECT_EQ(logged(), "") << "what had expired went";
  open_buckets(day, 150);
  EXPECT_EQ(logged(), line);
  clock_.advance(seconds(59));
  open_buckets(day, 150);
  EXPECT_EQ(logged(), "");
  clock_.advance(seconds(1));
  EXPECT_TRUE(take(*store, {{"0", &day, 0}}));
  EXPECT_EQ(logged(), "") << "nothing goes for a peek";
  open_buckets(day, 150);
  EXPECT_EQ(logged(), line);
}

TEST_F(ShmLogTest, AFaultIsToldOnceAMinute) {
  const Limit many = fixed_window(100);
  const std::string line =
      "error: store fault \"reason\":\"shared memory holds what is no bucket\"\n";
  const auto store = open(told());
  spoil(*store, "secret");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(error_of(*store, "secret", many), ErrorCode::kStoreFault);
  EXPECT_EQ(logged(), line);
  clock_.advance(seconds(59));
  EXPECT_EQ(error_of(*store, "secret", many), ErrorCode::kStoreFault);
  EXPECT_EQ(logged(), "");
  clock_.advance(seconds(1));
  EXPECT_EQ(error_of(*store, "secret", many), ErrorCode::kStoreFault);
  EXPECT_EQ(logged(), line);
}

TEST_F(ShmLogTest, ResetsAreToldOfToo) {
  const auto store = open(told());
  const auto segment = BucketFile::open(path(), {kSmall, seconds(1), nullptr});
  ChildProcess owner([&] { return segment->lock(seconds(1)) == 0 && raise(SIGSTOP) == 0; });
  ASSERT_TRUE(owner.stops());
  const std::vector<std::string> keys{"secret"};
  EXPECT_FALSE(run_now(store->reset(keys)));
  EXPECT_EQ(logged(), "error: store is down \"reason\":\"shared memory is locked for long\"\n");
}

TEST_F(ShmLogTest, WithoutALogNobodyIsTold) {
  const Limit many = fixed_window(100);
  const auto store = open();
  spoil(*store, "k");
  EXPECT_EQ(error_of(*store, "k", many), ErrorCode::kStoreFault);
}

TEST_F(ShmLogTest, WhatIsNoBucketIsNoneUnderAShadowLimit) {
  const Limit two = fixed_window(2);
  Limit shadow = two;
  shadow.mode = limits::Mode::kShadow;
  const auto store = open(told());
  spoil(*store, "shadow");
  EXPECT_EQ(remaining(*store, "shadow", shadow), 2);
  EXPECT_EQ(error_of(*store, "shadow", two), ErrorCode::kStoreFault);
  EXPECT_TRUE(take(*store, {{"k", &two, 1}, {"shadow", &shadow, 1}}));
  EXPECT_EQ(remaining(*store, "k", two), 1);
  EXPECT_EQ(remaining(*store, "shadow", shadow), 1) << "it is a bucket from now on";
  expect_accounted(*store);
}

}  // namespace
}  // namespace sluice::store
