#include "conformance/store_under_test.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "conformance/redis_server.h"
#include "manual_clock.h"
#include "run_task.h"
#include "store/memory_store.h"
#include "store/redis/redis_store.h"

namespace sluice {
namespace {

class MemoryUnderTest final : public StoreUnderTest {
 public:
  std::string contents() override { return store_.dump(); }

 protected:
  Result<limits::Decision> wait_for(std::span<const limits::Charge> charges,
                                    std::optional<TimePoint> now) override {
    return run_now(store_.take(charges, now));
  }

 private:
  ManualClock clock_;
  store::MemoryStore store_{clock_, {}};
};

class RedisUnderTest final : public StoreUnderTest {
 public:
  RedisUnderTest() {
    server().command("FLUSHALL");
    store::redis::Connection::Options options;
    options.uri.path = server().socket();
    options.wire.command_timeout = loop::Milliseconds(10'000);  // a busy machine is no error here
    connection_.emplace(loop_, log_, options, store::redis::kTakeScript);
    connection_->when_settled([this] { loop_.stop(); });
    loop_.run();
    store_.emplace(loop_, *connection_, log_);
  }

  std::string contents() override {
    return server().command(
        "EVAL \"local r={} for _,k in ipairs(redis.call('KEYS','*')) do "
        "r[#r+1]=k..'='..redis.call('GET',k) if redis.call('PTTL',k)<0 then "
        "r[#r+1]='no expiry: '..k end end table.sort(r) return table.concat(r,',')\" 0");
  }

 protected:
  Result<limits::Decision> wait_for(std::span<const limits::Charge> charges,
                                    std::optional<TimePoint> now) override {
    std::optional<Result<limits::Decision>> result;
    start(keep_and_stop(store_->take(charges, now), result));
    if (!result) loop_.run();
    return std::move(*result);
  }

 private:
  // One for all tests: starting it takes longer than any of them.
  static RedisServer& server() {
    static RedisServer shared;
    return shared;
  }

  Task<void> keep_and_stop(Task<Result<limits::Decision>> task,
                           std::optional<Result<limits::Decision>>& result) {
    result.emplace(co_await std::move(task));
    loop_.stop();
  }

  ManualClock clock_;
  loop::Loop loop_;
  telemetry::Log log_{-1, clock_, {}};
  std::optional<store::redis::Connection> connection_;
  std::optional<store::redis::RedisStore> store_;
};

}  // namespace

limits::Decision StoreUnderTest::take(const std::vector<limits::Charge>& charges,
                                      std::optional<TimePoint> now) {
  auto decision = wait_for(charges, now);
  if (!decision) {
    ADD_FAILURE() << "the store failed: " << decision.error().detail;
    return {};
  }
  return std::move(*decision);
}

std::unique_ptr<StoreUnderTest> make_store_under_test(const std::string& name) {
  if (name == "memory") return std::make_unique<MemoryUnderTest>();
  return std::make_unique<RedisUnderTest>();
}

}  // namespace sluice
