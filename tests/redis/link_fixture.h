// A connection and a store on it, in a loop that a test turns; and what they told the log.
#pragma once

#include <chrono>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>

#include "base/unique_fd.h"
#include "manual_clock.h"
#include "run_task.h"
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

  // Runs the loop until `holds()`, for ten seconds at most; whether it does.
  template <class Condition>
  bool runs_until(Condition holds) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    loop::Timer tick(loop_, [this] { loop_.stop(); });
    tick.start(loop::Milliseconds(2), loop::Milliseconds(2));
    while (!holds() && std::chrono::steady_clock::now() < deadline) loop_.run();
    return holds();
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

  // Everything that was logged so far.
  [[nodiscard]] std::string logged() const {
    std::ostringstream text;
    text << std::ifstream(directory_.path() + "/log").rdbuf();
    return std::move(text).str();
  }

  TemporaryDirectory directory_;
  ManualClock clock_;
  loop::Loop loop_;
  UniqueFd log_file_{::open((directory_.path() + "/log").c_str(),
                            O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)};
  telemetry::Log log_{log_file_.get(), clock_, {}};
  std::optional<Link> link_;
  std::optional<store::RedisStore> store_;
  limits::Limit limit_{.name = "chat", .tenant = "", .rate = {100, {10, limits::Unit::kMinute}}};
  TestTasks tasks_;
};

}  // namespace sluice::redis
