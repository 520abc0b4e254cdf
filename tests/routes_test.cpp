#include "routes.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

Result<const Route*> match_of(std::string_view method, std::string_view path) {
  http::Request request;
  request.method = method;
  request.path = path;
  return match(request);
}

TEST(RoutesTest, MatchesMethodAndExactPath) {
  EXPECT_EQ((*match_of("GET", "/"))->name, "status");
  EXPECT_EQ((*match_of("HEAD", "/"))->name, "status");
  EXPECT_EQ((*match_of("HEAD", "/livez"))->name, "live");
  EXPECT_EQ((*match_of("GET", "/readyz"))->name, "ready");
  EXPECT_EQ((*match_of("POST", "/chat"))->name, "chat");
  EXPECT_EQ((*match_of("POST", "/session"))->name, "session");
  EXPECT_EQ((*match_of("GET", "/limits"))->name, "limits");
  EXPECT_EQ((*match_of("HEAD", "/limits"))->name, "limits");
}

TEST(RoutesTest, OtherPathsAreNotFound) {
  for (const char* path : {"", "/chat/", "/Chat", "/chat/x", "//chat", "chat", "/.", "/%2e"}) {
    EXPECT_EQ(match_of("POST", path).error().code, ErrorCode::kNotFound) << path;
  }
}

TEST(RoutesTest, OtherMethodsAreToldWhichAreAllowed) {
  EXPECT_EQ(match_of("GET", "/chat").error().code, ErrorCode::kMethodNotAllowed);
  EXPECT_EQ(match_of("GET", "/chat").error().detail, "POST");
  EXPECT_EQ(match_of("post", "/chat").error().detail, "POST");
  EXPECT_EQ(match_of("POST", "/").error().detail, "GET, HEAD");
}

TEST(RoutesTest, WhatIsBeyondABoundHasItsRouteAllTheSame) {
  http::Request request;
  request.method = "POST";
  request.path = "/chat";
  request.body_too_large = true;
  request.too_many_params = true;
  EXPECT_EQ((*match(request))->name, "chat");
}

// What is free and asks for no credentials; GET /limits does.
TEST(RoutesTest, OpenRoutesHaveNothingToDecide) {
  for (const char* path : {"/", "/livez", "/readyz"})
    EXPECT_TRUE((*match_of("GET", path))->is_open());
  EXPECT_FALSE((*match_of("GET", "/limits"))->is_open());
  EXPECT_FALSE((*match_of("POST", "/session"))->is_open());
  EXPECT_FALSE((*match_of("DELETE", "/session"))->is_open());
  EXPECT_FALSE((*match_of("POST", "/chat"))->is_open());
}

// Workers of two releases count in the same memory, by number.
TEST(RoutesTest, ARouteKeepsItsNumber) {
  const std::vector<std::pair<std::string_view, std::string_view>> in_order{
      {"GET", "/"},         {"GET", "/livez"},      {"GET", "/readyz"}, {"GET", "/limits"},
      {"POST", "/session"}, {"DELETE", "/session"}, {"POST", "/chat"}};
  for (std::size_t number = 0; number < in_order.size(); ++number) {
    const auto& [method, path] = in_order[number];
    EXPECT_EQ(number_of(**match_of(method, path)), number) << method << " " << path;
  }
}

TEST(RoutesTest, LimitsMayNameTheRoutesOfTheTable) {
  EXPECT_EQ(route_names(), (std::vector<std::string_view>{"session", "chat"}));
}

}  // namespace
}  // namespace sluice
