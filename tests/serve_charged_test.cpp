// Nothing goes past decide(): what cannot be understood is charged before it is refused.
#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "serve_fixture.h"

namespace sluice {
namespace {

using testing::HasSubstr;
using testing::Not;

// One way in which a POST /chat cannot be answered.
struct Shape {
  std::string name;
  int status;
  std::string body = R"({"message":"hi"})";
  std::vector<std::pair<std::string, std::string>> headers = {};
  bool body_too_large = false;
  bool too_many_params = false;
};

class ServeChargedTest : public ServeFixture {
 protected:
  http::Response ask(const Shape& shape, std::string_view method = "POST",
                     std::string_view path = "/chat") {
    std::vector<http::Param> params;
    for (const auto& [name, value] : shape.headers) params.push_back({name, value});
    http::Request request;
    request.method = method;
    request.path = path;
    request.remote_address = address_;
    request.params = params;
    request.body = shape.body;
    request.body_too_large = shape.body_too_large;
    request.too_many_params = shape.too_many_params;
    return run_now(serve(request, policy_, services_));
  }

  // Those that prove nothing.
  [[nodiscard]] std::vector<Shape> unproved() const {
    const std::string bearer = "Bearer " + other_key_;
    return {
        {"no JSON", 400, "{bad"},
        {"nothing", 400, ""},
        {"a list", 400, "[]"},
        {"a number", 400, "17"},
        {"cut short", 400, R"({"message":"hi")"},
        {"two texts", 400, R"({"message":"hi"}{})"},
        {"a tenant that is no string", 400, R"({"tenant_id":1,"message":"hi"})"},
        {"a session that is no string", 400, R"({"session_id":[],"message":"hi"})"},
        {"a tenant twice in the body", 400, R"({"tenant_id":"acme","tenant_id":"globex"})"},
        {"a tenant header twice", 400, "{}", {tenant("acme"), tenant("acme")}},
        {"a tenant header as a list", 400, "{}", {tenant("acme, globex")}},
        {"a session header twice", 400, "{}", {session("x"), session("x")}},
        {"a session header as a list", 400, "{}", {session("x,y")}},
        {"a tenant that differs", 400, R"({"tenant_id":"acme"})", {tenant("globex")}},
        {"a session that differs", 400, R"({"session_id":"x"})", {session(acme_)}},
        {"an API key twice", 400, "{}", {key(api_key_), key(api_key_)}},
        {"two API keys", 400, "{}", {key(api_key_), {"HTTP_AUTHORIZATION", bearer}}},
        {"a bearer token twice",
         400,
         "{}",
         {{"HTTP_AUTHORIZATION", bearer}, {"HTTP_AUTHORIZATION", bearer}}},
        {.name = "a body too large", .status = 413, .body = "", .body_too_large = true},
        {.name = "too many headers", .status = 400, .too_many_params = true},
        {"an encoded body", 415, R"({"message":"hi"})", {{"HTTP_CONTENT_ENCODING", "gzip"}}},
        {"a cost out of bounds", 400, R"({"message":"hi","tokens":101})"},
        {"a cost that is no integer", 400, R"({"message":"hi","tokens":"1"})"},
        {"a cost beyond 64 bits", 400, R"({"message":"hi","tokens":99999999999999999999})"},
    };
  }

  // Those that prove a session of acme, in the headers, or API key k1.
  [[nodiscard]] std::vector<Shape> proved() const {
    std::vector<Shape> shapes;
    for (Shape shape : unproved()) {
      if (!shape.headers.empty()) continue;
      shape.headers = {tenant("acme"), session(acme_)};
      shapes.push_back(shape);
      shape.name += ", beside a key";
      shape.headers = {key(api_key_)};
      shapes.push_back(shape);
    }
    const std::string whole =
        R"({"tenant_id":"acme","session_id":")" + acme_ + R"(","message":"hi"})";
    shapes.push_back({"a tenant that differs", 400, whole, {tenant("globex"), session(acme_)}});
    shapes.push_back(
        {"a tenant header twice", 400, whole, {tenant("acme"), tenant("acme"), session(acme_)}});
    shapes.push_back(
        {"a session header twice", 400, whole, {tenant("acme"), session(acme_), session(acme_)}});
    shapes.push_back({"a key twice", 400, whole, {session(acme_), key("x"), key("x")}});
    return shapes;
  }

  static std::pair<std::string, std::string> tenant(std::string value) {
    return {"HTTP_X_TENANT_ID", std::move(value)};
  }
  static std::pair<std::string, std::string> session(std::string value) {
    return {"HTTP_X_SESSION_ID", std::move(value)};
  }
  static std::pair<std::string, std::string> key(std::string value) {
    return {"HTTP_X_API_KEY", std::move(value)};
  }

  // For each shape with every quota full.
  void for_each(const std::vector<Shape>& shapes, const std::function<void(const Shape&)>& check) {
    options_.costs["chat"] = {{http::CostRule::Source::kBody, "tokens", 1, 1, 100}};
    renew();
    for (const Shape& shape : shapes) {
      SCOPED_TRACE(shape.name);
      check(shape);
      clock_.advance(std::chrono::seconds(10));
    }
  }

  const std::string acme_ = open_session("acme");
  const Shape honest_{"honest", 200};
};

TEST_F(ServeChargedTest, EveryShapeIsChargedToTheAddressLikeAnHonestRequest) {
  for_each(unproved(), [&](const Shape& shape) {
    for (const char* left : {"1", "0"}) {
      const http::Response refused = ask(shape);
      EXPECT_EQ(refused.status(), shape.status);
      EXPECT_THAT(refused.fields(), HasSubstr("RateLimit-Policy: \"chat\";q=2;w=10\r\n"));
      EXPECT_THAT(refused.fields(), HasSubstr(std::string("Remaining: ") + left + "\r\n"));
    }
    EXPECT_EQ(ask(shape).status(), 429);
    EXPECT_EQ(ask(honest_).status(), 429) << "it is the same bucket";
  });
}

TEST_F(ServeChargedTest, WhoIsOverTheLimitGets429InEveryShape) {
  for_each(unproved(), [&](const Shape& shape) {
    EXPECT_EQ(ask(honest_).status(), 200);
    EXPECT_EQ(ask(honest_).status(), 200);
    const http::Response denied = ask(shape);
    EXPECT_EQ(denied.status(), 429);
    EXPECT_EQ(denied.body(), R"({"detail":"Rate limit exceeded: 2 per 10 seconds"})");
    EXPECT_THAT(denied.fields(), HasSubstr("Retry-After: 10\r\n"));
  });
}

TEST_F(ServeChargedTest, WhatProvesASessionIsChargedToItAndToTheAddress) {
  for_each(proved(), [&](const Shape& shape) {
    const http::Response refused = ask(shape);
    EXPECT_EQ(refused.status(), shape.status) << refused.body();
    EXPECT_THAT(refused.fields(), HasSubstr("RateLimit: \"default:chat\";r=1;t=10, "
                                            "\"chat\";r=3;t=10\r\n"));
  });
}

TEST_F(ServeChargedTest, ASessionOverItsLimitGets429InEveryShape) {
  for_each(proved(), [&](const Shape& shape) {
    const bool has_key = shape.name.ends_with("key");
    for (int i = 0; i < 4; ++i) {
      address_ = "203.0.113." + std::to_string(20 + i);
      EXPECT_EQ(
          (has_key ? ask({"", 200, honest_.body, {key(api_key_)}}) : chat("acme", acme_)).status(),
          200);
    }
    address_ = "203.0.113.7";  // which has its quota
    EXPECT_EQ(ask(shape).body(), R"({"detail":"Rate limit exceeded: 4 per 10 seconds"})");
  });
}

TEST_F(ServeChargedTest, ACompleteRequestWhoseCostIsRefusedIsChargedToBoth) {
  options_.costs["chat"] = {{http::CostRule::Source::kHeader, "HTTP_X_COST", 1, 1, 100}};
  renew();
  const std::string whole = R"({"tenant_id":"acme","session_id":")" + acme_ + R"(","message":"x"})";
  const Shape shape{"", 400, whole, {tenant("acme"), session(acme_), {"HTTP_X_COST", "none"}}};
  const http::Response refused = ask(shape);
  EXPECT_EQ(refused.body(), R"({"detail":"Header X-COST must be an integer from 1 to 100"})");
  EXPECT_THAT(refused.fields(), HasSubstr("\"default:chat\";r=1;t=10, \"chat\";r=3;t=10\r\n"));
}

TEST_F(ServeChargedTest, WhatCannotBeUnderstoodCostsAsMuchAsWhatDoesNotSay) {
  using Source = http::CostRule::Source;
  const Shape broken{"", 400, "{bad"};
  const std::vector<std::pair<http::CostRule, Shape>> rows{
      {{Source::kFixed, "", 2, 1, 100}, broken},
      {{Source::kFixed, "", 2, 1, 100}, {"", 400, "{}", {tenant("acme, acme")}}},
      {{Source::kHeader, "HTTP_X_COST", 2, 1, 100}, broken},
      {{Source::kHeader, "HTTP_X_COST", 2, 1, 100},
       {"", 400, honest_.body, {{"HTTP_X_COST", "x"}}}},
      {{Source::kBody, "tokens", 2, 1, 100}, broken},
      {{Source::kBody, "tokens", 2, 1, 100}, {"", 400, R"({"message":"hi","tokens":101})"}}};
  for (const auto& [rule, shape] : rows) {
    options_.costs["chat"] = {rule};
    renew();
    EXPECT_EQ(ask(shape).status(), shape.status) << shape.body;
    EXPECT_EQ(ask(shape).status(), 429) << shape.body;
    EXPECT_EQ(ask(honest_).status(), 429);
    clock_.advance(std::chrono::seconds(10));
  }
}

TEST_F(ServeChargedTest, AFalseClaimGoesBeforeWhatCannotBeRead) {
  for (const auto& [claim, status] :
       std::vector<std::pair<Shape, int>>{{{"", 400, "{", {session("forged")}}, 401},
                                          {{"", 400, "{", {tenant("globex"), session(acme_)}}, 403},
                                          {{"", 400, "{", {tenant("nobody")}}, 404},
                                          {{"", 400, "{", {key("slk_x")}}, 401}}) {
    const http::Response refused = ask(claim);
    EXPECT_EQ(refused.status(), status);
    EXPECT_THAT(refused.fields(), HasSubstr("RateLimit-Policy: \"probing\";q=2;w=10\r\n"));
    clock_.advance(std::chrono::seconds(10));
  }
}

TEST_F(ServeChargedTest, AnEndedSessionIsAFalseClaimThoughTheBodyCannotBeRead) {
  EXPECT_EQ(send("DELETE", "/session", "", {{"HTTP_X_SESSION_ID", acme_}}).status(), 204);
  const http::Response refused = ask({"", 400, "{", {session(acme_)}});
  EXPECT_EQ(refused.status(), 401);
  EXPECT_THAT(refused.fields(), HasSubstr("\"probing\";q=2;w=10\r\n"));
}

TEST_F(ServeChargedTest, WhatOpensASessionIsChargedInEveryShapeToo) {
  for (const Shape& shape :
       std::vector<Shape>{{"", 400, "{bad"},
                          {"", 400, R"({"tenant_id":1})"},
                          {.name = "", .status = 413, .body = "", .body_too_large = true},
                          {.name = "",
                          .status = 400,
                          .body = R"({"tenant_id":"acme"})",
                          .too_many_params = true}}) {
    for (int i = 0; i < 3; ++i) EXPECT_EQ(ask(shape, "POST", "/session").status(), shape.status);
    EXPECT_EQ(ask(shape, "POST", "/session").status(), 429);
    clock_.advance(std::chrono::seconds(10));
  }
}

TEST_F(ServeChargedTest, ExemptCallersAreChargedForNoShape) {
  address_ = "198.51.100.9";
  for_each(unproved(), [&](const Shape& shape) {
    for (int i = 0; i < 5; ++i) EXPECT_EQ(ask(shape).status(), shape.status);
  });
  EXPECT_EQ(store_.size(), 0U);
}

TEST_F(ServeChargedTest, WhoIsDeniedIsForbiddenInEveryShape) {
  address_ = "192.0.2.1";
  for_each(unproved(), [&](const Shape& shape) { EXPECT_EQ(ask(shape).status(), 403); });
  address_ = "203.0.113.7";
  EXPECT_EQ(ask({"", 400, "{", {session(open_session("banned"))}}).status(), 403);
  EXPECT_EQ(store_.size(), 0U);
}

TEST_F(ServeChargedTest, AnEncodedBodyIsRefusedWhereABodyIsRead) {
  const Shape gzip{"", 415, R"({"tenant_id":"acme"})", {{"HTTP_CONTENT_ENCODING", "gzip"}}};
  const http::Response refused = ask(gzip, "POST", "/session");
  EXPECT_EQ(refused.status(), 415);
  EXPECT_EQ(refused.body(),
            R"({"detail":"Content-Encoding gzip is not accepted; send the body as it is"})");
  EXPECT_THAT(refused.fields(), HasSubstr("Accept-Encoding: identity\r\n"));
  EXPECT_THAT(refused.serialize(), testing::StartsWith("Status: 415 Unsupported Media Type\r\n"));
  for (const char* path : {"/", "/limits"}) EXPECT_EQ(ask(gzip, "GET", path).status(), 200) << path;
}

TEST_F(ServeChargedTest, AFreeRouteRefusesWithoutACharge) {
  const Shape twice{"", 400, "", {tenant("acme"), tenant("acme"), session(acme_)}};
  const Shape many{.name = "", .status = 400, .body = "", .too_many_params = true};
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(ask(twice, "GET", "/limits").status(), 400);
    EXPECT_EQ(ask(many, "GET", "/limits").status(), 400);
    EXPECT_EQ(ask(many, "GET", "/").status(), 400);
    EXPECT_THAT(ask(twice, "GET", "/limits").fields(), Not(HasSubstr("RateLimit")));
  }
  EXPECT_EQ(store_.size(), 0U);
  Shape forged = many;
  forged.headers = {session("forged")};
  EXPECT_EQ(ask(forged, "GET", "/limits").status(), 401);
  EXPECT_EQ(ask(forged, "GET", "/limits").status(), 401);
  EXPECT_EQ(ask(forged, "GET", "/limits").status(), 429);
}

}  // namespace
}  // namespace sluice
