#include "routes.h"

#include <gtest/gtest.h>

#include "serve_fixture.h"

namespace sluice {
namespace {

class RoutesTest : public ServeFixture {
 protected:
  [[nodiscard]] Result<Route> match_of(std::string_view method, std::string_view path) const {
    http::Request request;
    request.method = method;
    request.path = path;
    return match(request, *policy_);
  }
};

TEST_F(RoutesTest, MatchesMethodAndExactPath) {
  EXPECT_EQ(match_of("GET", "/")->name, "status");
  EXPECT_EQ(match_of("HEAD", "/")->name, "status");
  EXPECT_EQ(match_of("HEAD", "/livez")->name, "live");
  EXPECT_EQ(match_of("GET", "/readyz")->name, "ready");
  EXPECT_EQ(match_of("POST", "/chat")->name, "chat");
  EXPECT_EQ(match_of("POST", "/session")->name, "session");
  EXPECT_EQ(match_of("GET", "/limits")->name, "limits");
  EXPECT_EQ(match_of("HEAD", "/limits")->name, "limits");
}

TEST_F(RoutesTest, OtherPathsAreNotFound) {
  for (const char* path : {"", "/chat/", "/Chat", "/chat/x", "//chat", "chat", "/.", "/%2e"}) {
    EXPECT_EQ(match_of("POST", path).error().code, ErrorCode::kNotFound) << path;
  }
}

TEST_F(RoutesTest, OtherMethodsAreToldWhichAreAllowed) {
  EXPECT_EQ(match_of("GET", "/chat").error().code, ErrorCode::kMethodNotAllowed);
  EXPECT_EQ(match_of("GET", "/chat").error().detail, "POST");
  EXPECT_EQ(match_of("post", "/chat").error().detail, "POST");
  EXPECT_EQ(match_of("POST", "/").error().detail, "GET, HEAD");
}

TEST_F(RoutesTest, WhatIsBeyondABoundHasItsRouteAllTheSame) {
  http::Request request;
  request.method = "POST";
  request.path = "/chat";
  request.body_too_large = true;
  request.too_many_params = true;
  EXPECT_EQ(match(request, *policy_)->name, "chat");
}

// What is free and asks for no credentials; GET /limits does.
TEST_F(RoutesTest, OpenRoutesHaveNothingToDecide) {
  for (const char* path : {"/", "/livez", "/readyz"}) EXPECT_TRUE(match_of("GET", path)->is_open());
  EXPECT_FALSE(match_of("GET", "/limits")->is_open());
  EXPECT_FALSE(match_of("POST", "/session")->is_open());
  EXPECT_FALSE(match_of("DELETE", "/session")->is_open());
  EXPECT_FALSE(match_of("POST", "/chat")->is_open());
}

TEST_F(RoutesTest, LimitsMayNameTheRoutesOfTheTable) {
  EXPECT_EQ(route_names(), (std::vector<std::string_view>{"session", "chat"}));
}

}  // namespace
}  // namespace sluice
