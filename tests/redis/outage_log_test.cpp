#include "redis/outage_log.h"

#include <fstream>
#include <regex>

#include <fcntl.h>
#include <gtest/gtest.h>

#include "base/unique_fd.h"
#include "manual_clock.h"
#include "temporary_directory.h"

namespace sluice::redis {
namespace {

using namespace std::chrono_literals;

class OutageLogTest : public testing::Test {
 protected:
  // "event: reason or storage" of each new line.
  std::string told() {
    std::string lines;
    static const std::regex pattern(
        R"re(.*"event":"([^"]+)".*"(?:reason|storage)":"([^"]*)"\}$)re");
    for (std::string line; std::getline(read_, line);) {
      lines += std::regex_replace(line, pattern, "$1: $2") + "\n";
    }
    read_.clear();
    return lines;
  }

  TemporaryDirectory directory_;
  const std::string path_ = directory_.path() + "/log";
  UniqueFd write_{::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)};
  std::ifstream read_{path_};
  ManualClock clock_;
  telemetry::Log log_{write_.get(), clock_, {}};
  OutageLog outage_{log_, "redis://h"};
};

TEST_F(OutageLogTest, AWorkerThatStartsWithoutItsStoreSaysSoAtOnce) {
  outage_.fails("Link refused", 1s);
  EXPECT_EQ(told(), "store is down: Link refused\n");
  EXPECT_EQ(outage_.reason(), "Link refused");
}

TEST_F(OutageLogTest, WhatRefusedNoDecisionIsNotTold) {
  outage_.opens();
  EXPECT_EQ(told(), "store is up: redis://h\n");
  outage_.fails("closed by Redis", 1s);
  outage_.fails("Link refused", 2s);
  outage_.opens();
  outage_.serves();
  EXPECT_EQ(told(), "");
  EXPECT_EQ(outage_.reason(), "");
}

TEST_F(OutageLogTest,
       AnOutageIsToldWithTheFirstDecisionThatItRefusesAndEndsWithTheFirstThatIsCharged) {
  outage_.opens();
  outage_.refuses(1s);
  EXPECT_EQ(told(), "store is up: redis://h\n") << "it is not known yet that it fails";
  outage_.fails("command timed out", 1s);
  outage_.refuses(1s);
  outage_.refuses(2s);
  EXPECT_EQ(told(), "store is down: command timed out\n");
  outage_.opens();
  EXPECT_EQ(told(), "") << "being connected proves nothing";
  outage_.serves();
  outage_.serves();
  EXPECT_EQ(told(), "store is up: redis://h\n");
}

TEST_F(OutageLogTest, ANewReasonIsToldAtMostOnceAMinute) {
  outage_.opens();
  outage_.serves();
  outage_.refuses(0s);
  outage_.fails("closed by Redis", 0s);
  told();
  outage_.fails("AUTH: WRONGPASS", 1s);
  outage_.fails("AUTH: WRONGPASS", 2s);
  EXPECT_EQ(told(), "store is still down: AUTH: WRONGPASS\n");
  outage_.fails("Link refused", 3s);
  outage_.fails("Link refused", 60s);
  EXPECT_EQ(told(), "");
  outage_.fails("Link refused", 61s);
  outage_.fails("AUTH: WRONGPASS", 62s);
  EXPECT_EQ(told(), "store is still down: Link refused\n");
  EXPECT_EQ(outage_.reason(), "AUTH: WRONGPASS");
}

}  // namespace
}  // namespace sluice::redis
