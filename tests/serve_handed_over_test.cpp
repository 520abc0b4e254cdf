// A request that nginx's module has decided, on its way through a worker.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/append.h"
#include "serve_fixture.h"

namespace sluice {
namespace {

using testing::HasSubstr;
using testing::Not;

class ServeHandedOver : public ServeFixture {
 protected:
  ServeHandedOver() {
    options_.handed_over = policy::HandedOver::kTrust;
    renew();
  }

  // As nginx's module decides about what it sees of a message.
  http::Response at_nginx(const std::vector<http::Param>& headers, std::string_view route = "chat",
                          std::string_view method = "POST") {
    http::Request asked = request(method, "/", headers);
    asked.is_gated = true;
    asked.gated_route = route;
    asked.is_handed_over = true;
    telemetry::Told told;
    told.hands_over = true;
    auto answer = run_now(serve(asked, policy_, services_, &told));
    line_ = told.handed_over;
    return answer;
  }
  // The line that it hands over.
  std::string decided(const std::vector<http::Param>& headers, std::string_view route = "chat") {
    EXPECT_EQ(at_nginx(headers, route).status(), 204);
    return line_;
  }

  // A message, decided by nginx and then by a worker, or not.
  http::Response pass(const std::string& session) {
    handed_over_ = decided({{"HTTP_X_TENANT_ID", "acme"}, {"HTTP_X_SESSION_ID", session}});
    return chat("acme", session);
  }

  std::uint64_t counted(telemetry::Outcome outcome) {
    auto& counters = observer_.counters();
    return counters.sum(telemetry::Counters::of_route(counters.routes().number({"chat"}), outcome));
  }

  std::string line_;
};

TEST_F(ServeHandedOver, ADecisionStandsAndIsCountedOnce) {
  const std::string session = open_session("acme");
  for (int number = 1; number <= 4; ++number) {
    const auto answer = pass(session);
    EXPECT_EQ(answer.status(), 200);
    EXPECT_THAT(answer.body(), HasSubstr("\"message_number\":" + std::to_string(number)));
    EXPECT_THAT(answer.fields(), Not(HasSubstr("RateLimit")));  // nginx has them
    EXPECT_THAT(answer.fields(), Not(HasSubstr("X-Decision-ID")));
  }
  EXPECT_EQ(counted(telemetry::Outcome::kAllowed), 4U);
}

TEST_F(ServeHandedOver, WhereTheConfigDoesNotTrustItAWorkerDecidesAgain) {
  options_.handed_over = policy::HandedOver::kIgnore;
  renew();
  const std::string session = open_session("acme");
  EXPECT_THAT(pass(session).fields(), HasSubstr("X-RateLimit-Remaining: 2\r\n"));
  EXPECT_THAT(pass(session).fields(), HasSubstr("X-RateLimit-Remaining: 0\r\n"));
  EXPECT_EQ(chat("acme", session).status(), 429);
  EXPECT_EQ(counted(telemetry::Outcome::kAllowed), 4U);
}

TEST_F(ServeHandedOver, ADecisionAboutAnotherDoesNotStand) {
  const std::string mine = open_session("acme");
  const std::string other = open_session("acme");
  handed_over_ = decided({{"HTTP_X_SESSION_ID", other}});
  EXPECT_THAT(chat("acme", mine).fields(), HasSubstr("X-RateLimit-Remaining: 3\r\n"));
  handed_over_ = decided({});
  EXPECT_THAT(chat("acme", mine).fields(), HasSubstr("X-RateLimit-Remaining: 2\r\n"));
  handed_over_ = decided({{"HTTP_X_SESSION_ID", mine}}, "session");
  EXPECT_THAT(chat("acme", mine).fields(), HasSubstr("X-RateLimit-Remaining: 1\r\n"));
}

TEST_F(ServeHandedOver, AFalseClaimInAHeaderIsRefusedByNginxAsByAWorker) {
  const std::string forged = open_session("acme") + "x";
  for (const int status : {401, 401, 429}) {
    const auto answer = at_nginx({{"HTTP_X_TENANT_ID", "acme"}, {"HTTP_X_SESSION_ID", forged}});
    EXPECT_EQ(answer.status(), status);
  }
  address_ = "203.0.113.8";
  EXPECT_EQ(at_nginx({{"HTTP_X_TENANT_ID", "nobody"}}).status(), 404);
}

TEST_F(ServeHandedOver, AFalseClaimInTheBodyAloneIsTheWorkersToFind) {
  const std::string session = open_session("acme");
  handed_over_ = decided({});
  EXPECT_EQ(chat("acme", session + "x", false).status(), 401);
}

TEST_F(ServeHandedOver, NobodyIsAskedAboutAStoreThatIsAway) {
  const std::string session = open_session("acme");
  handed_over_ = "chat 2 acme ";
  const auto id = tokens_.verify(session, clock_.now())->id;
  append_hex(handed_over_, id);
  handed_over_ += " -";
  const auto answer = chat("acme", session);
  EXPECT_EQ(answer.status(), 200);
  EXPECT_THAT(answer.body(), HasSubstr("\"message_number\":null"));
}

TEST_F(ServeHandedOver, WhatElseIsAskedAtTheSamePathIsTheWorkersToDecide) {
  const std::string session = open_session("acme");
  for (const std::string_view method : {"OPTIONS", "GET", "HEAD", "DELETE", "PUT"}) {
    for (const std::string_view route : {"chat", "session"}) {
      for (const std::string& token : {session, session + "x"}) {
        const auto answer = at_nginx({{"HTTP_X_SESSION_ID", token}}, route, method);
        EXPECT_EQ(answer.status(), 204) << method;
        EXPECT_EQ(line_, "") << method;
        EXPECT_THAT(answer.fields(), Not(HasSubstr("RateLimit"))) << method;
      }
    }
  }
  EXPECT_THAT(chat("acme", session).fields(), HasSubstr("X-RateLimit-Remaining: 3\r\n"));
}

// A question of the gate's is no request that was decided.
TEST_F(ServeHandedOver, AtTheGateItMeansNothing) {
  const std::string session = open_session("acme");
  const std::vector<http::Param> headers{{"HTTP_X_SESSION_ID", session}};
  handed_over_ = decided(headers);
  EXPECT_THAT(gate("POST", "/", headers, "chat").fields(),
              HasSubstr("X-RateLimit-Remaining: 2\r\n"));
}

}  // namespace
}  // namespace sluice
