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

}  // namespace
}  // namespace sluice::http
