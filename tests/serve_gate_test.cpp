// What the gate lets pass: requests to other applications, as nginx asks for them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "serve_fixture.h"

namespace sluice {
namespace {

using testing::HasSubstr;
using testing::Not;

class ServeGate : public ServeFixture {
 protected:
  ServeGate() {
    options_.routes = {{"items", {"GET"}, "/items", false}, {"files", {}, "/files/", true}};
    options_.identity.facts = {"org"};
    limits::Scope org;
    org.parts = {{limits::Fact::kFact, "org"}};
    use_plans(
        {plan_limit("items", "", limits::Fact::kIp, 2, "items"),
         plan_limit("files", "", org, 1, "files"),
         plan_limit("chat", "", limits::Fact::kIp, 1, "chat"),
         plan_limit("probing", "", limits::Fact::kIp, 1, std::string(limits::kIdentityFailure))},
        {{"acme",
          {plan_limit("items", "acme", limits::Fact::kTenant, 3, "items"),
           plan_limit("user", "acme", limits::Fact::kUser, 1, "files")}}});
  }

  // How many requests pass before the first is denied; 10 at most.
  int passed(std::string_view method, std::string_view path,
             const std::vector<http::Param>& params = {}, std::string_view route = "") {
    int count = 0;
    while (count < 10 && gate(method, path, params, route).status() == 204) ++count;
    return count;
  }
};

TEST_F(ServeGate, ARequestOnARouteIsCountedAndSeesItsLimits) {
  const auto allowed = gate("GET", "/items");
  EXPECT_EQ(allowed.status(), 204);
  EXPECT_EQ(allowed.body(), "");
  EXPECT_THAT(allowed.fields(), HasSubstr("RateLimit: \"items\";r=1;t=10\r\n"));
  EXPECT_EQ(gate("HEAD", "/items").status(), 204);
  const auto denied = gate("GET", "/items");
  EXPECT_EQ(denied.status(), 429);
  EXPECT_EQ(denied.body(), R"({"detail":"Rate limit exceeded: 2 per 10 seconds"})");
  EXPECT_THAT(denied.fields(), HasSubstr("Retry-After: 10\r\n"));
}

TEST_F(ServeGate, WhatNoRouteMatchesPassesUncountedUnlessARuleDeniesIt) {
  for (int i = 0; i < 20; ++i) {
    const auto passed = gate("POST", "/items");
    EXPECT_EQ(passed.status(), 204);
    EXPECT_THAT(passed.fields(), Not(HasSubstr("RateLimit")));
  }
  options_.unmatched = policy::Unmatched::kDeny;
  renew();
  EXPECT_EQ(gate("POST", "/items").status(), 404);
  EXPECT_EQ(gate("GET", "/items").status(), 204);
}

// The API's own paths mean nothing at the gate, and the application's mean nothing to the API.
TEST_F(ServeGate, PathsOfTheApiAreTheApplicationsHere) {
  EXPECT_EQ(passed("POST", "/chat"), 10);
  EXPECT_EQ(passed("GET", "/limits"), 10);
  EXPECT_EQ(send("GET", "/items").status(), 404);
}

TEST_F(ServeGate, NginxMayNameTheRouteWhateverThePathIs) {
  EXPECT_EQ(passed("POST", "/elsewhere", {}, "items"), 2);
  EXPECT_EQ(passed("GET", "/x", {}, "chat"), 1);
  const auto unknown = gate("GET", "/items", {}, "itmes");
  EXPECT_EQ(unknown.status(), 503);
  EXPECT_THAT(unknown.body(), HasSubstr("No route is named \\\"itmes\\\""));
}

TEST_F(ServeGate, ATenantThatNginxSaysHasItsPlan) {
  EXPECT_EQ(passed("GET", "/items", {{"SLUICE_FACT_TENANT", "acme"}}), 3);
  // Its own bucket: that of the address is untouched.
  EXPECT_EQ(passed("GET", "/items"), 2);
}

// It may come from a header that clients write; and the address is counted then.
TEST_F(ServeGate, ATenantThatNobodyKnowsIsNone) {
  EXPECT_EQ(passed("GET", "/items", {{"SLUICE_FACT_TENANT", "nobody"}}), 2);
  EXPECT_EQ(passed("GET", "/items"), 0);
}

TEST_F(ServeGate, ClientsCannotSayFacts) {
  EXPECT_EQ(
      passed("GET", "/items", {{"HTTP_SLUICE_FACT_TENANT", "acme"}, {"HTTP_X_TENANT_ID", "acme"}}),
      2);
}

TEST_F(ServeGate, EachUserAndEachOtherFactHasItsBucket) {
  const http::Param tenant{"SLUICE_FACT_TENANT", "acme"};
  EXPECT_EQ(passed("GET", "/files/a", {tenant, {"SLUICE_FACT_USER", "ann"}}), 1);
  EXPECT_EQ(passed("GET", "/files/a", {tenant, {"SLUICE_FACT_USER", "ben"}}), 1);
  EXPECT_EQ(passed("GET", "/files/a", {tenant, {"SLUICE_FACT_USER", "ann"}}), 0);
  EXPECT_EQ(passed("GET", "/files/a", {{"SLUICE_FACT_ORG", "one"}}), 1);
  EXPECT_EQ(passed("GET", "/files/a", {{"SLUICE_FACT_ORG", "two, with: a} comma"}}), 1);
  EXPECT_EQ(passed("GET", "/files/a", {{"SLUICE_FACT_ORG", "one"}}), 0);
}

// What is in the form of ours and false is a false claim, as anywhere.
TEST_F(ServeGate, AKeyOfOursIsBelievedAndAForgedOneCostsItsMaker) {
  const std::vector<http::Param> key{{"HTTP_AUTHORIZATION", "x"}, {"HTTP_X_API_KEY", api_key_}};
  EXPECT_EQ(passed("GET", "/items", key), 3);
  const std::string forged = identity::generate_api_key();
  EXPECT_EQ(gate("GET", "/items", {{"HTTP_X_API_KEY", forged}}).status(), 401);
  EXPECT_EQ(gate("GET", "/items", {{"HTTP_X_API_KEY", forged}}).status(), 429);
}

// An application has credentials of its own, in the same fields.
TEST_F(ServeGate, CredentialsOfTheApplicationAreNoneOfOurs) {
  for (const auto& params : std::initializer_list<std::vector<http::Param>>{
           {{"HTTP_AUTHORIZATION", "Bearer eyJhbGciOi.x.y"}, {"HTTP_X_API_KEY", "theirs"}},
           {{"HTTP_X_API_KEY", "a"}, {"HTTP_X_API_KEY", "b"}},
           {{"HTTP_X_SESSION_ID", "theirs"}, {"HTTP_X_TENANT_ID", "theirs"}},
           {{"HTTP_X_SESSION_ID", "a, b"}},
           {{"HTTP_CONTENT_ENCODING", "gzip"}}}) {
    clock_.advance(std::chrono::seconds(10));
    EXPECT_EQ(passed("GET", "/items", params), 2) << params[0].value;
  }
}

TEST_F(ServeGate, ASessionOfOursIsBelieved) {
  const std::string session = open_session("acme");
  EXPECT_EQ(passed("GET", "/items", {{"HTTP_X_SESSION_ID", session}}), 3);
  EXPECT_EQ(passed("GET", "/items", {{"SLUICE_FACT_TENANT", "acme"}}), 0);
}

TEST_F(ServeGate, AddressesOnTheListsAreExemptOrDenied) {
  address_ = "198.51.100.7";
  EXPECT_EQ(passed("GET", "/items"), 10);
  address_ = "192.0.2.7";
  EXPECT_EQ(gate("GET", "/items").status(), 403);
  EXPECT_EQ(gate("POST", "/no/route").status(), 403);
}

TEST_F(ServeGate, WithoutAPathOrARouteNothingPasses) {
  const auto answer = gate("GET", "");
  EXPECT_EQ(answer.status(), 503);
  EXPECT_THAT(answer.body(), HasSubstr("nginx did not say the path"));
  EXPECT_EQ(gate("GET", "", {}, "items").status(), 204);
}

TEST_F(ServeGate, ATenantOfNginxCanBeDeniedAndAClientsClaimCannot) {
  options_.identity.access.deny.tenants = {"acme"};
  renew();
  EXPECT_EQ(gate("GET", "/items", {{"SLUICE_FACT_TENANT", "acme"}}).status(), 403);
  EXPECT_EQ(gate("GET", "/items", {{"HTTP_X_TENANT_ID", "acme"}}).status(), 204);
}

}  // namespace
}  // namespace sluice
