#include "http/cost.h"

#include <gtest/gtest.h>

namespace sluice::http {
namespace {

using Source = CostRule::Source;

Result<std::int64_t> in_body(std::string_view body) {
  Request request;
  request.body = body;
  return cost_of(request, {Source::kBody, "tokens", 7, 1, 100});
}

Result<std::int64_t> in_header(const std::vector<Param>& params) {
  Request request;
  request.params = params;
  return cost_of(request, {Source::kHeader, "HTTP_X_COST", 7, 0, 100});
}

TEST(CostTest, AFixedCostAsksNothingOfTheRequest) {
  EXPECT_EQ(*cost_of(Request{}, {Source::kFixed, "", 5, 1, 1000}), 5);
}

TEST(CostTest, AMemberOfTheBodySaysIt) {
  EXPECT_EQ(*in_body(R"({"tokens":1})"), 1);
  EXPECT_EQ(*in_body(R"({"tokens":100})"), 100);
  EXPECT_EQ(*in_body("{}"), 7);
  EXPECT_EQ(*in_body(R"({"tokens":null})"), 7);
}

TEST(CostTest, AMemberThatIsNoIntegerInRangeIsRefused) {
  for (const char* value :
       {"0", "101", "-1", "1.0", "1e2", "true", "\"5\"", "[1]", "{}", "9223372036854775807"}) {
    const auto cost = in_body(std::string(R"({"tokens":)") + value + "}");
    ASSERT_FALSE(cost) << value;
    EXPECT_EQ(cost.error().code, ErrorCode::kBadRequest) << value;
    EXPECT_EQ(cost.error().detail, "\"tokens\" must be an integer from 1 to 100") << value;
  }
  for (const char* body : {"", "[]", R"({"tokens":9223372036854775808})"}) {
    ASSERT_FALSE(in_body(body)) << body;
    EXPECT_EQ(in_body(body).error().code, ErrorCode::kBadRequest) << body;
  }
}

TEST(CostTest, AHeaderSaysIt) {
  EXPECT_EQ(*in_header({{"HTTP_X_COST", "0"}}), 0);
  EXPECT_EQ(*in_header({{"HTTP_X_COST", "100"}}), 100);
  EXPECT_EQ(*in_header({{"HTTP_X_COST", "007"}}), 7);
  EXPECT_EQ(*in_header({}), 7);
  EXPECT_EQ(*in_header({{"HTTP_X_COST", ""}}), 7);
}

TEST(CostTest, AHeaderThatIsNoIntegerInRangeIsRefused) {
  for (const char* value :
       {"101", "-1", "+1", "1.0", "1e2", "0x1", " 1", "1 ", "one", "99999999999999999999"}) {
    const auto cost = in_header({{"HTTP_X_COST", value}});
    ASSERT_FALSE(cost) << value;
    EXPECT_EQ(cost.error().code, ErrorCode::kBadRequest) << value;
    EXPECT_EQ(cost.error().detail, "Header X-COST must be an integer from 0 to 100") << value;
  }
}

TEST(CostTest, AHeaderSentTwiceOrAsAListIsRefused) {
  for (const auto& params : std::vector<std::vector<Param>>{
           {{"HTTP_X_COST", "1"}, {"HTTP_X_COST", "1"}}, {{"HTTP_X_COST", "1, 1"}}}) {
    ASSERT_FALSE(in_header(params));
    EXPECT_EQ(in_header(params).error().detail, "Header X-COST must be sent once, with one value");
  }
}

}  // namespace
}  // namespace sluice::http
