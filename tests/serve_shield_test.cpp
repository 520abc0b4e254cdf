// What nginx may keep of a denial: the deny shield.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "serve_fixture.h"

namespace sluice {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;

class ServeShield : public ServeFixture {
 protected:
  ServeShield() {
    options_.routes = {{"items", {}, "/items", false}};
    limit({limits::Fact::kIp});
  }

  // The only limit of everybody: one unit in ten seconds.
  void limit(limits::Scope scope, std::int64_t quota = 1) {
    use_plans(
        {plan_limit("items", "", std::move(scope), quota, "items"),
         plan_limit("probing", "", limits::Fact::kIp, 0, std::string(limits::kIdentityFailure))},
        {});
  }

  // `time` is nginx's; empty: it has no shield.
  http::Response ask(std::string_view time, std::vector<http::Param> params = {}) {
    if (!time.empty()) params.push_back({"SLUICE_SHIELD", time});
    return gate("GET", "/items", params);
  }

  // The fields of the first answer that is no success.
  std::string refused(std::string_view time, const std::vector<http::Param>& params = {}) {
    for (int i = 0; i < 3; ++i) {
      const auto answer = ask(time, params);
      if (answer.status() >= 300) return answer.fields();
    }
    ADD_FAILURE() << "nothing was refused";
    return "";
  }
};

TEST_F(ServeShield, ADenialMayBeKeptUntilTheSecondEnds) {
  EXPECT_THAT(ask("1795240879.123").fields(), Not(HasSubstr("X-Accel-Expires")));
  const auto denied = ask("1795240879.123");
  EXPECT_EQ(denied.status(), 429);
  EXPECT_THAT(denied.fields(), HasSubstr("X-Accel-Expires: @1795240879\r\n"));
  EXPECT_THAT(denied.fields(),
              HasSubstr("Vary: Accept, X-Session-ID, X-API-Key, Authorization\r\n"));
}

TEST_F(ServeShield, WithoutAShieldNothingIsSaidOfIt) {
  const std::string denied = refused("");
  EXPECT_THAT(denied, Not(HasSubstr("X-Accel-Expires")));
  EXPECT_THAT(denied, Not(HasSubstr("Vary")));
}

TEST_F(ServeShield, NeverPastTheReset) {
  (void)ask("100.000");
  clock_.advance(milliseconds(9'500));  // 500 ms are left
  EXPECT_THAT(ask("100.499").fields(), Not(HasSubstr("X-Accel-Expires")));
  EXPECT_THAT(ask("100.500").fields(), HasSubstr("X-Accel-Expires: @100\r\n"));
  EXPECT_THAT(ask("100.999").fields(), HasSubstr("X-Accel-Expires: @100\r\n"));
}

TEST_F(ServeShield, ACostThatNeverPassesMayBeKept) {
  options_.costs["items"].emplace_back().cost = 2;
  renew();
  EXPECT_THAT(refused("100.000"), HasSubstr("X-Accel-Expires: @100\r\n"));
}

TEST_F(ServeShield, WhatIsNoTimeOfNginxKeepsNothing) {
  for (const char* time : {"100", "100.", ".123", "100.12", "100.1234", "x.123", "-1.000",
                           "1e2.000", "100.-12", "100,123", "99999999999999999999.000"}) {
    EXPECT_THAT(refused(time), Not(HasSubstr("X-Accel-Expires"))) << time;
  }
}

TEST_F(ServeShield, OnlyTheGateIsAsked) {
  use_plans({plan_limit("chat", "", limits::Fact::kIp, 0, "chat")}, {});
  const auto denied = send("POST", "/chat", R"({"message":"x"})", {{"SLUICE_SHIELD", "100.000"}});
  EXPECT_EQ(denied.status(), 429);
  EXPECT_THAT(denied.fields(), Not(HasSubstr("X-Accel-Expires")));
}

TEST_F(ServeShield, NoOtherRefusalMayBeKept) {
  const auto refusal = [&](const std::vector<http::Param>& params) {
    const auto answer = ask("100.000", params);
    EXPECT_THAT(answer.fields(), Not(HasSubstr("X-Accel-Expires")));
    return answer.status();
  };
  const std::string forged = identity::generate_api_key();
  EXPECT_EQ(refusal({{"HTTP_X_API_KEY", forged}}), 429);  // "probing" has no room for anybody
  address_ = "192.0.2.7";
  EXPECT_EQ(refusal({}), 403);
  options_.unmatched = policy::Unmatched::kDeny;
  options_.routes = {};
  renew();
  EXPECT_EQ(refusal({}), 404);
}

TEST_F(ServeShield, ARequestThatCannotBeUnderstoodIsNotKept) {
  limits::Scope device;
  device.parts = {{limits::Fact::kHeader, "x-device"}};
  options_.identity.headers = {"x-device"};
  limit(device, 0);
  EXPECT_THAT(refused("100.000", {{"HTTP_X_DEVICE", "a"}}), HasSubstr("X-Accel-Expires"));
  EXPECT_THAT(refused("100.000", {{"HTTP_X_DEVICE", "a"}, {"HTTP_X_DEVICE", "b"}}),
              Not(HasSubstr("X-Accel-Expires")));
}

TEST_F(ServeShield, AStoreThatIsDownIsNoDenial) {
  AbsentStore absent;
  policy_ = test_policy(options_, services_, absent, newcomers_);
  const auto answer = ask("100.000");
  EXPECT_EQ(answer.status(), 503);
  EXPECT_THAT(answer.fields(), Not(HasSubstr("X-Accel-Expires")));
}

// A place may become free at any moment.
TEST_F(ServeShield, WhoSharesABucketWithNewcomersIsNotKept) {
  options_.newcomers = {.per_tenant = 1, .per_network = 0};
  renew();
  EXPECT_EQ(ask("100.000").status(), 204);
  address_ = "203.0.113.8";
  EXPECT_EQ(ask("100.000").status(), 204);
  address_ = "203.0.113.9";
  const auto denied = ask("100.000");
  EXPECT_EQ(denied.status(), 429);
  EXPECT_THAT(denied.fields(), Not(HasSubstr("X-Accel-Expires")));
}

TEST_F(ServeShield, ALockOutMayBeKeptUntilItEnds) {
  options_.penalty = {.after = 1, .first = seconds(20), .most = seconds(20)};
  renew();
  EXPECT_EQ(ask("100.000").status(), 204);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(ask("100.000").status(), 429);
  clock_.advance(milliseconds(19'500));  // the limit has room again
  const auto locked_out = ask("100.500");
  EXPECT_THAT(locked_out.body(), HasSubstr("locked out"));
  EXPECT_THAT(locked_out.fields(), HasSubstr("X-Accel-Expires: @100\r\n"));
  EXPECT_THAT(ask("100.499").fields(), Not(HasSubstr("X-Accel-Expires")));
}

// All that is decided by stands in nginx's key, or here.
TEST_F(ServeShield, VaryNamesEachHeaderThatIsRead) {
  options_.identity.api_keys = nullptr;
  options_.identity.headers = {"x-device", "user-agent"};
  options_.identity.trusted_proxies = {*identity::parse_network("10.0.0.0/8")};
  options_.costs = {{"items", {{http::CostRule::Source::kHeader, "HTTP_X_COST", 1, 1, 9}}}};
  renew();
  EXPECT_THAT(
      refused("100.000"),
      HasSubstr("Vary: Accept, X-Session-ID, X-Forwarded-For, x-device, user-agent, X-COST\r\n"));
}

TEST_F(ServeShield, AFactMayBeCountedThatIsInTheKeyOfNginx) {
  for (const auto& [fact, is_kept] : std::initializer_list<std::pair<const char*, bool>>{
           {"user", true}, {"tenant", true}, {"org", false}}) {
    limits::Scope scope;
    scope.parts = {{limits::Fact::kIp, ""}, {limits::Fact::kFact, fact}};
    options_.identity.facts = {fact};
    limit(scope, 0);
    EXPECT_EQ(refused("100.000").find("X-Accel-Expires") != std::string::npos, is_kept) << fact;
  }
}

}  // namespace
}  // namespace sluice
