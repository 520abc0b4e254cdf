#include "http/request.h"

#include <gtest/gtest.h>

namespace sluice::http {
namespace {

Result<std::optional<std::string_view>> tenant_of(const std::vector<Param>& params) {
  Request request;
  request.params = params;
  return request.header("HTTP_X_TENANT_ID");
}

TEST(RequestTest, AHeaderIsFoundByItsCgiName) {
  EXPECT_EQ(*tenant_of({{"HTTP_X_TENANT_ID", "acme"}}), "acme");
  EXPECT_EQ(*tenant_of({{"HTTP_X_TENANT", "acme"}}), std::nullopt);
  EXPECT_EQ(*tenant_of({{"HTTP_X_TENANT_ID", ""}}), std::nullopt);
}

TEST(RequestTest, AHeaderHasANameForClientsAndOneForTheGateway) {
  EXPECT_EQ(cgi_name("X-Tenant-id"), "HTTP_X_TENANT_ID");
  EXPECT_EQ(header_name("HTTP_X_TENANT_ID"), "X-TENANT-ID");
}

TEST(RequestTest, AHeaderSentTwiceOrWithAListInItIsRefused) {
  for (const auto& params : std::vector<std::vector<Param>>{
           {{"HTTP_X_TENANT_ID", "acme"}, {"HTTP_X_TENANT_ID", "globex"}},
           {{"HTTP_X_TENANT_ID", "acme"}, {"HTTP_X_TENANT_ID", "acme"}},
           {{"HTTP_X_TENANT_ID", ""}, {"HTTP_X_TENANT_ID", "acme"}},
           {{"HTTP_X_TENANT_ID", "acme, globex"}}}) {
    const auto value = tenant_of(params);
    ASSERT_FALSE(value);
    EXPECT_EQ(value.error().detail, "Header X-TENANT-ID must be sent once, with one value");
  }
}

TEST(RequestTest, ATextHeaderMayHoldACommaAndComesOnceAllTheSame) {
  const std::vector<Param> once{{"HTTP_USER_AGENT", "KHTML, like Gecko"}};
  const std::vector<Param> twice{{"HTTP_USER_AGENT", "a"}, {"HTTP_USER_AGENT", "b"}};
  Request request;
  request.params = once;
  EXPECT_EQ(**request.text_header("HTTP_USER_AGENT"), "KHTML, like Gecko");
  EXPECT_FALSE(request.header("HTTP_USER_AGENT"));
  request.params = twice;
  EXPECT_EQ(request.text_header("HTTP_USER_AGENT").error().detail,
            "Header USER-AGENT must be sent once, with one value");
}

TEST(RequestTest, AListHeaderIsAllItsValuesInTheirOrder) {
  const std::vector<Param> params{{"HTTP_X_FORWARDED_FOR", "a, b"},
                                  {"HTTP_X_FORWARDED", "z"},
                                  {"HTTP_X_FORWARDED_FOR", ""},
                                  {"HTTP_X_FORWARDED_FOR", "c"}};
  Request request;
  EXPECT_EQ(request.list_header("HTTP_X_FORWARDED_FOR"), "");
  request.params = params;
  EXPECT_EQ(request.list_header("HTTP_X_FORWARDED_FOR"), "a, b,,c");
}

}  // namespace
}  // namespace sluice::http
