#include "telemetry/denial_log.h"

#include <array>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/json.h"
#include "log_file.h"
#include "manual_clock.h"

namespace sluice::telemetry {
namespace {

using limits::Decision;
using limits::Mode;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::IsSupersetOf;
using testing::Pair;

constexpr DenialLog::Options kAll{.per_second = 1000};

class DenialLogTest : public testing::Test {
 protected:
  using Line = std::map<std::string, std::string>;

  DenialLogTest() {
    identity_.tenant = "acme";
    identity_.user = "alice";
    identity_.api_key = "k1";
    identity_.address = "4:c0000201";
    identity_.standing = Standing::kKnown;
    decision_.allowed = false;
    decision_.source = limits::Source::kRedis;
    decision_.id = DecisionId{0xab};
    add(chat_);
  }

  void add(const limits::Limit& limit) {
    decision_.limits.push_back(&limit);
    decision_.balances.push_back({.remaining = 2,
                                  .reset_after = milliseconds(9001),
                                  .retry_after = milliseconds(1),
                                  .more_after = milliseconds(1)});
  }

  void tell(const DenialLog::Options& options = kAll, DenialLog::Time::duration since = {}) {
    log_.tell({decision_, identity_, "chat", 3}, options, began_ + since);
  }

  // The lines that were written since this was asked last, without what all lines have.
  std::vector<Line> lines() {
    std::vector<Line> lines;
    const std::string text = file_.text();
    while (read_ < text.size()) {
      const std::size_t end = text.find('\n', read_);
      const std::string written = text.substr(read_, end - read_);
      const auto object = http::JsonObject::parse(written);
      EXPECT_TRUE(object);
      Line line;
      for (const char* const name : kNames) line[name] = object->string(name)->value_or("absent");
      lines.push_back(std::move(line));
      read_ = end + 1;
    }
    return lines;
  }

  static constexpr std::array kNames{
      "level",  "event", "decision", "reason",    "source",        "route",         "cost",
      "tenant", "user",  "api_key",  "address",   "session",       "limit",         "list",
      "rate",   "scope", "mode",     "remaining", "reset_after_s", "retry_after_s", "left_out"};

  const limits::Limit chat_{.name = "chat",
                            .plan = "pro",
                            .scope = limits::Fact::kUser,
                            .rate = {8, {10, limits::Unit::kSecond}}};
  const limits::Limit trial_{
      .name = "trial", .rate = {1, {1, limits::Unit::kDay}}, .mode = Mode::kShadow};
  Decision decision_;
  identity::Identity identity_;
  ManualClock clock_;
  LogFile file_{clock_};
  DenialLog log_{&file_.log()};
  const DenialLog::Time began_{std::chrono::hours(100)};
  std::size_t read_ = 0;
};

TEST_F(DenialLogTest, ALineHasWhoWasDeniedByWhat) {
  tell();
  EXPECT_EQ(lines(), (std::vector<Line>{{{"level", "info"},
                                         {"event", "denied"},
                                         {"decision", "ab000000000000000000000000000000"},
                                         {"reason", "limit"},
                                         {"source", "redis"},
                                         {"route", "chat"},
                                         {"cost", "3"},
                                         {"tenant", "acme"},
                                         {"user", "alice"},
                                         {"api_key", "k1"},
                                         {"address", "192.0.2.1"},
                                         {"session", ""},
                                         {"limit", "chat"},
                                         {"list", "plan:pro"},
                                         {"rate", "8 per 10 seconds"},
                                         {"scope", "user"},
                                         {"mode", "enforce"},
                                         {"remaining", "2"},
                                         {"reset_after_s", "10"},
                                         {"retry_after_s", "1"},
                                         {"left_out", "0"}}}));
}

TEST_F(DenialLogTest, EachLimitThatHadNoRoomHasALine) {
  add(trial_);
  limits::Limit own = chat_;
  own.plan = "";
  own.tenant = "acme";
  add(own);
  decision_.balances[2].retry_after = limits::kNever;
  add(chat_);
  decision_.balances[3].retry_after = {};  // it had
  tell();
  const auto seen = lines();
  ASSERT_EQ(seen.size(), 3U);
  EXPECT_THAT(seen[1], IsSupersetOf({Pair("limit", "trial"), Pair("list", "defaults"),
                                     Pair("mode", "shadow"), Pair("scope", "ip")}));
  EXPECT_THAT(seen[2], IsSupersetOf({Pair("list", "tenants"), Pair("retry_after_s", "")}));
  for (const Line& line : seen) EXPECT_EQ(line.at("decision"), seen[0].at("decision"));
}

TEST_F(DenialLogTest, OfWhatIsAllowedOnlyAShadowLimitIsTold) {
  add(trial_);
  decision_.allowed = true;
  tell();
  const auto seen = lines();
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].at("limit"), "trial");
}

TEST_F(DenialLogTest, ALockOutIsNoLimits) {
  decision_.balances[0].retry_after = {};
  decision_.barred_by = limits::BarredBy::kLockOut;
  decision_.barred_for = seconds(60);
  tell();
  const auto seen = lines();
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_THAT(seen[0], IsSupersetOf({Pair("reason", "locked_out"), Pair("limit", ""),
                                     Pair("mode", ""), Pair("retry_after_s", "60")}));
}

TEST_F(DenialLogTest, WithoutAStoreNoBalanceIsTold) {
  decision_.source = limits::Source::kOnStoreError;
  decision_.balances.clear();
  tell();
  decision_.allowed = true;
  tell();
  const auto seen = lines();
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_THAT(seen[0], IsSupersetOf({Pair("reason", "on_store_error"),
                                     Pair("source", "on_store_error"), Pair("remaining", "")}));
}

TEST_F(DenialLogTest, AnEndedSessionIsAClaimWhoseDecisionComesNext) {
  decision_.barred_by = limits::BarredBy::kEndedSession;
  tell();
  EXPECT_TRUE(lines().empty());
}

TEST_F(DenialLogTest, WhatIsNotProvedOrSecretIsNotTold) {
  identity_.standing = Standing::kRejected;
  identity_.api_key.clear();
  identity_.user.clear();
  tell();
  EXPECT_THAT(lines().at(0), IsSupersetOf({Pair("tenant", ""), Pair("user", "")}));
  identity_.session = SessionId{0x5e, 0x55, 0x10, 0x4e};
  identity_.address = "6:20010db800010002";
  identity_.facts["user"] = "f00d";
  tell();
  const Line line = lines().at(0);
  EXPECT_THAT(line, IsSupersetOf({Pair("tenant", "acme"), Pair("user", "f00d"),
                                  Pair("address", "2001:db8:1:2::")}));
  EXPECT_EQ(line.at("session").size(), 32U);
  EXPECT_EQ(line.at("session").find("5e55"), std::string::npos);
  tell();
  EXPECT_EQ(lines().at(0).at("session"), line.at("session")) << "the same for the same";
}

TEST_F(DenialLogTest, ASecondHasSoManyLinesAndTheNextSaysHowManyAreMissing) {
  constexpr DenialLog::Options kTwo{.per_second = 2};
  for (int i = 0; i < 7; ++i) tell(kTwo, milliseconds(i));
  EXPECT_EQ(lines().size(), 2U);
  tell(kTwo, milliseconds(999));
  EXPECT_TRUE(lines().empty());
  for (int i = 0; i < 3; ++i) tell(kTwo, milliseconds(1000));
  const auto seen = lines();
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(seen[0].at("left_out"), "6");
  EXPECT_EQ(seen[1].at("left_out"), "0");
  tell({.per_second = 3}, milliseconds(1500));  // a reload: the new bound at once
  EXPECT_EQ(lines().at(0).at("left_out"), "1");
}

TEST_F(DenialLogTest, ZeroASecondIsOff) {
  tell({.per_second = 0});
  EXPECT_TRUE(lines().empty());
}

TEST_F(DenialLogTest, OneInManyIsChosenByItsIdAndWithAllItsLines) {
  add(trial_);
  std::set<std::uint8_t> told;
  for (int i = 0; i < 256; ++i) {
    decision_.id = DecisionId{static_cast<std::uint8_t>(i)};
    tell({.per_second = 1000, .one_in = 16});
    const auto seen = lines();
    if (seen.empty()) continue;
    told.insert(static_cast<std::uint8_t>(i));
    EXPECT_EQ(seen.size(), 2U) << i;
    EXPECT_EQ(seen[0].at("left_out"), i == 0 ? "0" : "30");
  }
  EXPECT_EQ(told.size(), 16U);
}

TEST(DenialLogOfNobodyTest, WithoutALogNothingIsTold) {
  DenialLog log(nullptr);
  limits::Limit limit;
  Decision decision;
  decision.allowed = false;
  decision.limits = {&limit};
  decision.balances = {{.retry_after = seconds(1)}};
  log.tell({decision, {}, "chat", 1}, kAll, {});
}

}  // namespace
}  // namespace sluice::telemetry
