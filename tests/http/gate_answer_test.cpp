#include "http/gate_answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/problem.h"

namespace sluice::http {
namespace {

using testing::HasSubstr;

TEST(GateAnswer, ASuccessStaysAsItIs) {
  Response allowed(204, "", "");
  allowed.add("RateLimit", "\"chat\";r=1");
  EXPECT_EQ(gate_answer(std::move(allowed)).serialize(),
            "Status: 204 No Content\r\nCache-Control: no-store\r\nRateLimit: \"chat\";r=1\r\n\r\n");
}

// nginx takes 401 and 403 alone for a no; of all else it makes a 500.
TEST(GateAnswer, EveryRefusalIsA401ThatSaysWhatTheClientIsToSee) {
  for (const auto& [code, status] :
       std::initializer_list<std::pair<ErrorCode, std::string>>{{ErrorCode::kBadRequest, "400"},
                                                                {ErrorCode::kForbidden, "403"},
                                                                {ErrorCode::kNotFound, "404"},
                                                                {ErrorCode::kInternal, "500"}}) {
    const std::string body = problem(Error{code, "x"}).body();
    EXPECT_EQ(gate_answer(problem(Error{code, "x"})).serialize(),
              "Status: 401 Unauthorized\r\nX-Sluice-Denied: " + status + "|json|||||||" + body +
                  "\r\nContent-Length: 0\r\n\r\n");
  }
}

TEST(GateAnswer, AFieldThatIsOfNoLimitStays) {
  const std::string answer = gate_answer(problem(Error{ErrorCode::kInvalidApiKey})).fields();
  EXPECT_THAT(answer, HasSubstr("WWW-Authenticate: Bearer\r\n"));
  EXPECT_THAT(answer, HasSubstr("X-Sluice-Denied: 401|json|||||||{"));
}

TEST(GateAnswer, HowTheLimitsStandIsInTheSameField) {
  Response denied(429, R"({"detail":"a|b"})");
  denied.add("X-RateLimit-Limit", "8");
  denied.add("X-RateLimit-Remaining", "0");
  denied.add("X-RateLimit-Reset", "1795240879");
  denied.add("RateLimit-Policy", "\"a\";q=8;w=10, \"b\";q=9;w=60");
  denied.add("RateLimit", "\"a\";r=0;t=7, \"b\";r=1;t=50");
  denied.add("Retry-After", "7");
  EXPECT_EQ(gate_answer(std::move(denied)).fields(),
            "X-Sluice-Denied: 429|json|7|8|0|1795240879|\"a\";r=0;t=7, \"b\";r=1;t=50|"
            "\"a\";q=8;w=10, \"b\";q=9;w=60|{\"detail\":\"a|b\"}\r\n");
}

TEST(GateAnswer, TellsWhichFormTheBodyHas) {
  const Response unavailable = problem(Error{ErrorCode::kStoreUnavailable}, Form::kProblem);
  const std::string body = unavailable.body();
  EXPECT_EQ(gate_answer(problem(Error{ErrorCode::kStoreUnavailable}, Form::kProblem)).fields(),
            "X-Sluice-Denied: 503|problem|1||||||" + body + "\r\n");
}

}  // namespace
}  // namespace sluice::http
