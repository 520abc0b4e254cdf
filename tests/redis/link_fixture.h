// A connection and a store on it, in a loop that a test turns; and what they told the log.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "log_file.h"
#include "manual_clock.h"
#include "run_task.h"
#include "runs_until.h"
#include "store/redis/redis_store.h"
#include "temporary_directory.h"

namespace sluice::redis {

class LinkFixture : public testing::Test {
 protected:
  // Returns when it is settled.
  void open(const Link::Options& options) {
    link_.emplace(loop_, log_, options, store::kTakeScript);
    link_->when_settled([this] { loop_.stop(); });
    loop_.run();
    store_.emplace(loop_, *link_, log_);
  }

  Result<limits::Decision> take(const std::string& key = "k") {
    return take(std::vector<limits::Charge>{{key, &limit_, 1}});
  }
  Result<limits::Decision> take(const std::vector<limits::Charge>& charges) {
    std::optional<Result<limits::Decision>> result;
    tasks_.start(keep_and_stop(store_->take({charges}, std::nullopt), result));
    if (!result) loop_.run();
    return std::move(*result);
  }

  Task<void> keep_and_stop(Task<Result<limits::Decision>> task,
                           std::optional<Result<limits::Decision>>& result) {
    result.emplace(co_await std::move(task));
    loop_.stop();
  }

  template <class Condition>
  bool runs_until(Condition holds) {
    return sluice::runs_until(loop_, std::move(holds));
  }
  bool recovers() {
    return runs_until([this] { return link_->wire() != nullptr; });
  }
  // A turn at a time, as the next wire is made within a few.
  bool loses_its_wire() {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (link_->wire() && std::chrono::steady_clock::now() < deadline) {
      run_for(loop::Milliseconds::zero());
    }
    return link_->wire() == nullptr;
  }
  void run_for(loop::Milliseconds time) {
    loop::Timer end(loop_, [this] { loop_.stop(); });
    end.start(time);
    loop_.run();
  }

  [[nodiscard]] std::string logged() const { return log_file_.text(); }

  TemporaryDirectory directory_;
  ManualClock clock_;
  loop::Loop loop_;
  LogFile log_file_{clock_};
  telemetry::Log& log_ = log_file_.log();
  std::optional<Link> link_;
  std::optional<store::RedisStore> store_;
  limits::Limit limit_{.name = "chat", .tenant = "", .rate = {100, {10, limits::Unit::kMinute}}};
  TestTasks tasks_;
};

}  // namespace sluice::redis
