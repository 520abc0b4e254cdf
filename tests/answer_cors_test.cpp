// Pages of other origins: what the API says to them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "answer.h"
#include "http/cors.h"
#include "serve_fixture.h"

namespace sluice {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kApp = "https://app.example.com";
constexpr std::string_view kAllowed = "Access-Control-Allow-Origin: https://app.example.com\r\n";
constexpr std::string_view kSaysNothing = "Access-Control-";

class AnswerCors : public ServeFixture {
 protected:
  http::Response answered(const http::Request& asked) override {
    return run_now(answer(asked, policy_, services_));
  }

  AnswerCors() { allow({std::string(kApp), "http://localhost:3000"}); }

  void allow(std::vector<std::string> origins) {
    options_.cors.origins = std::move(origins);
    use_plans({plan_limit("limited", "", limits::Fact::kIp, 1, "chat"),
               plan_limit("limited-session", "", limits::Fact::kIp, 1, "session")},
              {});
  }

  http::Response preflight(std::string_view path, std::string_view origin = kApp) {
    return send("OPTIONS", path, "",
                {{"HTTP_ORIGIN", origin},
                 {"HTTP_ACCESS_CONTROL_REQUEST_METHOD", "POST"},
                 {"HTTP_ACCESS_CONTROL_REQUEST_HEADERS", "content-type,x-session-id"}});
  }

  http::Response ask(std::string_view path, std::string_view origin = kApp) {
    return send("POST", path, R"({"message":"x"})", {{"HTTP_ORIGIN", origin}});
  }
};

TEST_F(AnswerCors, APreflightIsToldWhatThereIsAndCostsNothing) {
  for (int i = 0; i < 3; ++i) {
    const auto answer = preflight("/session");
    EXPECT_EQ(answer.status(), 204);
    EXPECT_EQ(answer.body(), "");
    EXPECT_EQ(answer.fields(), "Cache-Control: no-store\r\nVary: Origin\r\n" +
                                   std::string(kAllowed) +
                                   "Access-Control-Allow-Methods: POST, DELETE\r\n"
                                   "Access-Control-Allow-Headers: content-type,x-session-id\r\n"
                                   "Access-Control-Max-Age: 600\r\n");
  }
  EXPECT_EQ(ask("/chat").status(), 200);
}

// As nginx's module asks, in front of a worker.
TEST_F(AnswerCors, OfWhatNginxDecidesItsDenialMayBeReadAndTheRestIsTheWorkers) {
  const std::vector<http::Param> headers{{"HTTP_ORIGIN", kApp}};
  http::Request asked = request("POST", "/", headers);
  asked.is_gated = asked.is_handed_over = true;
  asked.gated_route = "chat";
  const auto passes = answered(asked);
  EXPECT_EQ(passes.status(), 204);
  EXPECT_THAT(passes.fields(), Not(HasSubstr(kSaysNothing)));
  EXPECT_THAT(passes.fields(), Not(HasSubstr("Vary")));
  const auto denied = answered(asked);
  EXPECT_EQ(denied.status(), 429);
  EXPECT_THAT(denied.fields(), HasSubstr(kAllowed));
  EXPECT_THAT(denied.fields(), HasSubstr("Vary: Origin\r\n"));
  asked.is_handed_over = false;  // an application of one's own
  const auto gated = answered(asked);
  EXPECT_EQ(gated.status(), 429);
  EXPECT_THAT(gated.fields(), Not(HasSubstr(kSaysNothing)));
}

TEST_F(AnswerCors, EachAnswerMayBeReadWithItsFields) {
  const auto shown = [&](const http::Response& answer, int status) {
    EXPECT_EQ(answer.status(), status);
    EXPECT_THAT(answer.fields(), HasSubstr(kAllowed)) << status;
    EXPECT_THAT(answer.fields(), HasSubstr("Vary: Origin\r\n")) << status;
    for (const char* name : {"RateLimit", "RateLimit-Policy", "X-RateLimit-Limit", "Retry-After",
                             "X-RateLimit-Remaining", "X-RateLimit-Reset", "X-Decision-ID"}) {
      EXPECT_THAT(answer.fields(),
                  testing::ContainsRegex("Expose-Headers: [^\r]*" + std::string(name)))
          << status;
    }
  };
  shown(ask("/chat"), 200);
  shown(ask("/chat"), 429);
  shown(ask("/nowhere"), 404);
  shown(ask("/limits"), 405);
  shown(preflight("/nowhere"), 404);
  shown(send("POST", "/session", "{", {{"HTTP_ORIGIN", kApp}}), 400);
  address_ = "192.0.2.1";
  shown(ask("/chat"), 403);
}

TEST_F(AnswerCors, ToOthersNothingIsSaid) {
  for (const char* origin :
       {"", "null", "*", "https://app.example.com.evil.example", "https://app.example.co",
        "http://app.example.com", "https://app.example.com:443", "HTTPS://APP.EXAMPLE.COM"}) {
    for (const auto& answer :
         {preflight("/chat", origin).fields(), ask("/chat", origin).fields()}) {
      EXPECT_THAT(answer, Not(HasSubstr(kSaysNothing))) << origin;
      EXPECT_THAT(answer, HasSubstr("Vary: Origin\r\n")) << origin;
    }
    EXPECT_EQ(preflight("/chat", origin).status(), 405) << origin;
  }
  const auto twice = send("GET", "/", "", {{"HTTP_ORIGIN", kApp}, {"HTTP_ORIGIN", kApp}});
  EXPECT_THAT(twice.fields(), Not(HasSubstr(kSaysNothing)));
}

TEST_F(AnswerCors, AnOptionsThatIsNoPreflightIsAsItWas) {
  const auto answer = send("OPTIONS", "/chat", "", {{"HTTP_ORIGIN", kApp}});
  EXPECT_EQ(answer.status(), 405);
  EXPECT_THAT(answer.fields(), HasSubstr("Allow: POST\r\n"));
  EXPECT_THAT(answer.fields(), HasSubstr(kAllowed));
}

TEST_F(AnswerCors, AllMayBeAllowed) {
  allow({"*"});
  for (const char* origin : {"https://anybody.example", "null", "capacitor://localhost"}) {
    const auto answer = preflight("/chat", origin);
    EXPECT_EQ(answer.status(), 204);
    EXPECT_THAT(answer.fields(), HasSubstr("Access-Control-Allow-Origin: *\r\n"));
    EXPECT_THAT(answer.fields(), Not(HasSubstr("Vary")));
  }
  EXPECT_THAT(send("GET", "/").fields(), Not(HasSubstr(kSaysNothing)));
}

TEST_F(AnswerCors, WithoutOriginsNothingChanges) {
  allow({});
  EXPECT_EQ(preflight("/chat").status(), 405);
  EXPECT_THAT(ask("/chat").fields(), Not(HasSubstr(kSaysNothing)));
  EXPECT_THAT(ask("/chat").fields(), Not(HasSubstr("Vary")));
}

TEST_F(AnswerCors, OfGatedRequestsTheApplicationOrNginxSpeaks) {
  const auto answer = gate("GET", "/items", {{"HTTP_ORIGIN", kApp}});
  EXPECT_THAT(answer.fields(), Not(HasSubstr(kSaysNothing)));
}

TEST(Origin, IsWhatBrowsersSend) {
  for (const char* origin :
       {"https://a", "http://localhost:3000", "https://app.example.com", "http://[::1]:8080",
        "capacitor://localhost", "chrome-extension://abcdef", "https://xn--bcher-kva.example"}) {
    EXPECT_TRUE(http::is_origin(origin)) << origin;
  }
  for (const char* text : {"", "null", "app.example.com", "https://", "://a", "https:/a",
                           "https://a/", "https://a/b", "https://A", "HTTPS://a", "https://a b",
                           "https://a,b", "https://*.a", "https://a?b", "https://u@a"}) {
    EXPECT_FALSE(http::is_origin(text)) << text;
  }
}

}  // namespace
}  // namespace sluice
