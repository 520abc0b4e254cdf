#include "http/problem.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::http {
namespace {

using testing::HasSubstr;

struct Row {
  Error error;
  int status;
  const char* body;
};

TEST(ProblemTest, EveryErrorHasItsStatusAndItsWords) {
  const std::vector<Row> rows{
      {{ErrorCode::kBadRequest, "why"}, 400, R"({"detail":"why"})"},
      {{ErrorCode::kInvalidSession}, 401, R"({"detail":"Invalid or expired session"})"},
      {{ErrorCode::kForeignSession}, 403, R"({"detail":"Session does not belong to tenant"})"},
      {{ErrorCode::kInvalidApiKey}, 401, R"({"detail":"Invalid API key"})"},
      {{ErrorCode::kForeignApiKey}, 403, R"({"detail":"API key does not belong to tenant"})"},
      {{ErrorCode::kForbidden}, 403, R"({"detail":"Forbidden"})"},
      {{ErrorCode::kUnknownTenant}, 404, R"({"detail":"Unknown tenant"})"},
      {{ErrorCode::kNotFound}, 404, R"({"detail":"Not Found"})"},
      {{ErrorCode::kMethodNotAllowed, "POST"}, 405, R"({"detail":"Method Not Allowed"})"},
      {{ErrorCode::kEncodedBody, "why"}, 415, R"({"detail":"why"})"},
      {{ErrorCode::kBodyTooLarge}, 413, R"({"detail":"Request body is too large"})"},
      {{ErrorCode::kTooManyEnded},
       503,
       R"({"detail":"Too many sessions were ended today; this one ends by itself"})"},
      {{ErrorCode::kTooManyEndedHere, "7"},
       429,
       R"({"detail":"Too many sessions were ended today from your network; this one ends by itself"})"},
      {{ErrorCode::kStoreUnavailable}, 503, R"({"detail":"Rate limit store unavailable"})"},
      {{ErrorCode::kStoreFault, "secret"}, 503, R"({"detail":"Rate limit store unavailable"})"},
      {{ErrorCode::kInternal, "secret"}, 500, R"({"detail":"Internal Server Error"})"}};
  for (const Row& row : rows) {
    const Response response = problem(row.error);
    EXPECT_EQ(response.status(), row.status);
    EXPECT_EQ(response.body(), row.body);
    EXPECT_THAT(response.fields(),
                HasSubstr("Content-Type: application/json\r\nCache-Control: no-store\r\n"));
  }
}

TEST(ProblemTest, NamesTheAllowedMethodsAndWhenToComeBack) {
  EXPECT_THAT(problem(Error{ErrorCode::kMethodNotAllowed, "GET, HEAD"}).fields(),
              HasSubstr("Allow: GET, HEAD\r\n"));
  EXPECT_THAT(problem(Error{ErrorCode::kStoreUnavailable}).fields(),
              HasSubstr("Retry-After: 1\r\n"));
  EXPECT_THAT(problem(Error{ErrorCode::kTooManyEndedHere, "7"}).fields(),
              HasSubstr("Retry-After: 7\r\n"));
}

TEST(ProblemTest, A401SaysWhatKindOfProofIsAskedFor) {
  EXPECT_THAT(problem(Error{ErrorCode::kInvalidSession}).fields(),
              HasSubstr("WWW-Authenticate: Session\r\n"));
  EXPECT_THAT(problem(Error{ErrorCode::kInvalidApiKey}).fields(),
              HasSubstr("WWW-Authenticate: Bearer\r\n"));
  EXPECT_THAT(problem(Error{ErrorCode::kForeignApiKey}).fields(),
              testing::Not(HasSubstr("WWW-Authenticate")));
}

TEST(ProblemTest, ADenialNamesTheLimitByteForByte) {
  const limits::Limit limit{.name = "chat", .tenant = "", .rate = {8, {10, limits::Unit::kSecond}}};
  const limits::Decision decision{.allowed = false,
                                  .source = limits::Source::kRedis,
                                  .at = {},
                                  .limits = {&limit},
                                  .balances = {{0, Duration(1), Duration(1)}}};
  const Response response = problem(decision);
  EXPECT_EQ(response.status(), 429);
  EXPECT_EQ(response.body(), R"({"detail":"Rate limit exceeded: 8 per 10 seconds"})");
  EXPECT_THAT(response.fields(), HasSubstr("Cache-Control: no-store\r\n"));
}

TEST(ProblemTest, ACostThatNoWaitHelpsIsToldApartFromAnExhaustedLimit) {
  limits::Limit limit{.name = "chat", .tenant = "", .rate = {100, {10, limits::Unit::kSecond}}};
  const limits::Decision decision{.allowed = false,
                                  .source = limits::Source::kRedis,
                                  .at = {},
                                  .limits = {&limit},
                                  .balances = {{100, Duration(0), limits::kNever}}};
  EXPECT_EQ(problem(decision).status(), 429);
  EXPECT_EQ(problem(decision).body(),
            R"({"detail":"Rate limit exceeded: 100 per 10 seconds never allows a request of )"
            R"(this cost"})");
  limit.rate.quota = 0;  // nothing passes, whatever it costs
  EXPECT_EQ(problem(decision).body(), R"({"detail":"Rate limit exceeded: 0 per 10 seconds"})");
}

TEST(ProblemTest, ADenialWithoutAStoreIsNeverA429) {
  const limits::Decision decision{.allowed = false,
                                  .source = limits::Source::kOnStoreError,
                                  .at = {},
                                  .limits = {},
                                  .balances = {}};
  EXPECT_EQ(problem(decision).status(), 503);
}

TEST(ResponseTest, IsSerializedAsACgiResponse) {
  Response response(200, "{}");
  response.add("X-A", "b");
  response.add("X-Evil", "b\r\nSet-Cookie: a=b");
  EXPECT_EQ(
      response.serialize(),
      "Status: 200 OK\r\nContent-Type: application/json\r\nCache-Control: no-store\r\nX-A: b\r\n"
      "Content-Length: 2\r\n\r\n{}");
}

TEST(ProblemTest, ProblemDetailsAreForWhoAsksForThem) {
  const auto form = [](std::string_view accept) {
    Request request;
    const Param param{"HTTP_ACCEPT", accept};
    request.params = {&param, 1};
    return form_of(request);
  };
  EXPECT_EQ(form_of(Request()), Form::kDetail);
  for (const char* accept :
       {"application/problem+json", "Application/Problem+JSON",
        "text/html, application/problem+json", "application/problem+json;q=0.5",
        "a/b;q=0,application/problem+json ; q=1.0", "application/problem+json;q=0.001",
        "application/problem+json; charset=utf-8"}) {
    EXPECT_EQ(form(accept), Form::kProblem) << accept;
  }
  for (const char* accept : {"", "*/*", "application/json", "application/*", "application/problem",
                             "application/problem+json;q=0", "application/problem+json; q=0.000",
                             "x=application/problem+json", ",,;", "application/problem+json2"}) {
    EXPECT_EQ(form(accept), Form::kDetail) << accept;
  }
}

TEST(ProblemTest, AnErrorAsProblemDetails) {
  const Response forbidden = problem(Error{ErrorCode::kForbidden}, Form::kProblem);
  EXPECT_EQ(forbidden.body(),
            R"({"type":"about:blank","title":"Forbidden","status":403,"detail":"Forbidden"})");
  EXPECT_THAT(forbidden.fields(), HasSubstr("Content-Type: application/problem+json\r\n"));
  EXPECT_THAT(problem(Error{ErrorCode::kStoreUnavailable}, Form::kProblem).body(),
              HasSubstr("#temporary-reduced-capacity"));
  EXPECT_THAT(problem(Error{ErrorCode::kStoreUnavailable}, Form::kProblem).fields(),
              HasSubstr("Retry-After: 1\r\n"));
}

// The limits that deny, and no other.
TEST(ProblemTest, ADenialAsProblemDetailsNamesWhoDenies) {
  const limits::Limit tight{.name = "chat",
                            .tenant = "acme",
                            .scope = limits::Fact::kSession,
                            .rate = {8, {10, limits::Unit::kSecond}}};
  const limits::Limit wide{.name = "day", .tenant = "acme", .rate = {100, {1, limits::Unit::kDay}}};
  limits::Decision decision;
  decision.allowed = false;
  decision.source = limits::Source::kMemory;
  decision.limits = {&wide, &tight};
  decision.balances.resize(2);
  decision.balances[0].remaining = 7;
  decision.balances[1].retry_after = std::chrono::milliseconds(6500);
  EXPECT_EQ(
      problem(decision, Form::kProblem).body(),
      R"({"type":"https://iana.org/assignments/http-problem-types#quota-exceeded",)"
      R"("title":"Request cannot be satisfied as assigned quota has been exceeded","status":429,)"
      R"("detail":"Rate limit exceeded: 8 per 10 seconds","violated-policies":["chat"],)"
      R"("policies":[{"name":"chat","scope":"session","retry_after":7}]})");
  decision.barred_by = limits::BarredBy::kLockOut;
  decision.barred_for = std::chrono::seconds(60);
  EXPECT_THAT(problem(decision, Form::kProblem).body(), HasSubstr("#abnormal-usage-detected"));
}

}  // namespace
}  // namespace sluice::http
