#include "conformance/store_under_test.h"

#include <algorithm>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "conformance/redis_server.h"
#include "manual_clock.h"
#include "run_task.h"
#include "store/memory/memory_store.h"
#include "store/redis/redis_store.h"
#include "store/shm/shm_store.h"
#include "temporary_directory.h"

namespace sluice {
namespace {

class MemoryUnderTest final : public StoreUnderTest {
 public:
  std::string contents() override { return store_.dump(); }

  std::optional<std::string> read(const std::string& key) override {
    return run_now(store_.read(key)).value_or(std::nullopt);
  }

  Result<std::int64_t> reset(const std::vector<std::string>& keys) override {
    return run_now(store_.reset(keys));
  }

 protected:
  Answers wait_for(const std::vector<Asked>& decisions, std::optional<TimePoint> now) override {
    Answers answers;
    for (const Asked& asked : decisions) answers.push_back(run_now(store_.take(asked, now)));
    return answers;
  }

 private:
  ManualClock clock_;
  store::MemoryStore store_{clock_, {}};
};

class ShmUnderTest final : public StoreUnderTest {
 public:
  std::string contents() override { return *store_->dump(); }

  std::optional<std::string> read(const std::string& key) override {
    return run_now(store_->read(key)).value_or(std::nullopt);
  }

  Result<std::int64_t> reset(const std::vector<std::string>& keys) override {
    return run_now(store_->reset(keys));
  }

  void put(const std::string& key, const std::string& bytes) override {
    ASSERT_TRUE(store_->usage());  // whoever looks first makes the table ready
    const auto segment = store::BucketFile::open(
        path_, {.bytes = kBytes, .open_wait = std::chrono::seconds(1), .on_step = nullptr});
    ASSERT_TRUE(segment);
    store::ShmTable table(*segment, nullptr);
    ASSERT_EQ(segment->lock(std::chrono::seconds(1)), 0);
    const store::ShmTable::Write write{table.key(key), bytes, limits::kLastTime};
    EXPECT_TRUE(table.replace({&write, 1}, TimePoint()).has_value());
    segment->unlock();
  }

 protected:
  Answers wait_for(const std::vector<Asked>& decisions, std::optional<TimePoint> now) override {
    Answers answers;
    for (const Asked& asked : decisions) answers.push_back(run_now(store_->take(asked, now)));
    return answers;
  }

 private:
  static constexpr std::size_t kBytes = std::size_t{4} << 20U;

  ManualClock clock_;
  TemporaryDirectory directory_;
  std::string path_ = directory_.path() + "/buckets";
  std::unique_ptr<store::ShmStore> store_ =
      *store::ShmStore::open(path_, clock_, {.bytes = kBytes});
};

class RedisUnderTest final : public StoreUnderTest {
 public:
  RedisUnderTest() {
    server().command("FLUSHALL");
    redis::Link::Options options;
    options.uri.path = server().socket();
    options.wire.command_timeout = loop::Milliseconds(10'000);  // a busy machine is no error here
    link_.emplace(loop_, log_, options, store::kTakeScript);
    link_->when_settled([this] { loop_.stop(); });
    loop_.run();
    store_.emplace(loop_, *link_, log_);
  }

  std::string contents() override {
    const std::string reply = server().command(
        "EVAL \"local r={} for _,k in ipairs(redis.call('KEYS','*')) do "
        "r[#r+1]=k..'='..redis.call('GET',k):gsub('.',function(c) return "
        "string.format('%02x',c:byte()) end) if redis.call('PTTL',k)<0 then "
        "r[#r+1]='no expiry: '..k end end table.sort(r) return table.concat(r,',')\" 0");
    const std::size_t start = reply.find("\r\n") + 2;  // after the length
    return reply.substr(start, reply.size() - start - 2);
  }

  void put(const std::string& key, const std::string& bytes) override {
    std::string quoted;
    for (const char byte : bytes) {
      quoted += fmt::format("\\x{:02x}", static_cast<unsigned char>(byte));
    }
    EXPECT_EQ(server().command("SET " + key + " \"" + quoted + "\" PX 100000"), "+OK\r\n");
  }

  std::chrono::milliseconds lifetime(const std::string& key) override {
    return std::chrono::milliseconds(std::stoll(server().command("PTTL " + key).substr(1)));
  }

  std::optional<std::string> read(const std::string& key) override {
    return finish(store_->read(key)).value_or(std::nullopt);
  }

  Result<std::int64_t> reset(const std::vector<std::string>& keys) override {
    return finish(store_->reset(keys));
  }

 protected:
  // All of them start before the loop's turn ends: they travel together.
  Answers wait_for(const std::vector<Asked>& decisions, std::optional<TimePoint> now) override {
    std::vector<std::optional<Result<limits::Decision>>> results(decisions.size());
    waiting_ = 0;
    for (std::size_t i = 0; i < decisions.size(); ++i) {
      ++waiting_;
      tasks_.start(keep_and_stop(store_->take(decisions[i], now), results[i]));
    }
    if (waiting_ > 0) loop_.run();
    Answers answers;
    for (auto& result : results) answers.push_back(std::move(*result));
    return answers;
  }

 private:
  // One for all tests: starting it takes longer than any of them.
  static RedisServer& server() {
    static RedisServer shared;
    return shared;
  }

  template <class T>
  Result<T> finish(Task<Result<T>> task) {
    std::optional<Result<T>> result;
    tasks_.start(keep_and_stop(std::move(task), result));
    if (!result) loop_.run();
    return std::move(*result);
  }

  template <class T>
  Task<void> keep_and_stop(Task<Result<T>> task, std::optional<Result<T>>& result) {
    result.emplace(co_await std::move(task));
    if (--waiting_ <= 0) loop_.stop();
  }

  ManualClock clock_;
  loop::Loop loop_;
  telemetry::Log log_{-1, clock_, {}};
  std::optional<redis::Link> link_;
  std::optional<store::RedisStore> store_;
  int waiting_ = 0;
  TestTasks tasks_;
};

}  // namespace

std::vector<limits::Decision> StoreUnderTest::take_all(const std::vector<Asked>& decisions,
                                                       std::optional<TimePoint> now) {
  std::vector<limits::Decision> taken;
  for (auto& decision : wait_for(decisions, now)) {
    if (!decision) ADD_FAILURE() << "the store failed: " << decision.error().detail;
    taken.push_back(decision ? std::move(*decision) : limits::Decision{});
  }
  return taken;
}

std::unique_ptr<StoreUnderTest> make_store_under_test(const std::string& name) {
  if (name == "memory") return std::make_unique<MemoryUnderTest>();
  if (name == "shm") return std::make_unique<ShmUnderTest>();
  return std::make_unique<RedisUnderTest>();
}

}  // namespace sluice
