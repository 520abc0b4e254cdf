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

TEST(RequestTest, ABodyWithAContentEncodingIsNotReadButRefusedByItsName) {
  const auto refusal = [](const std::vector<std::string_view>& lines) {
    std::vector<Param> params;
    for (const std::string_view line : lines) params.push_back({"HTTP_CONTENT_ENCODING", line});
    Request request;
    request.params = params;
    request.body = "{}";
    const auto& json = request.json();
    if (json) return std::string("read");
    EXPECT_EQ(json.error().code, ErrorCode::kEncodedBody);
    return json.error().detail.substr(std::string_view("Content-Encoding ").size());
  };
  for (const std::string coding :
       {"gzip", "br", "deflate", "GZIP", "x-gzip", "zstd", "aes128gcm"}) {
    EXPECT_EQ(refusal({coding}), coding + " is not accepted; send the body as it is");
    EXPECT_EQ(refusal({"identity, " + coding}), refusal({coding}));
    EXPECT_EQ(refusal({coding + " ,identity"}), refusal({coding}));
    EXPECT_EQ(refusal({coding, "identity"}), refusal({coding}));
    EXPECT_EQ(refusal({"", coding}), refusal({coding}));
    EXPECT_EQ(refusal({coding, coding}), refusal({coding}));
  }
  for (const std::string& odd : {std::string("\xff"), std::string("a b"), std::string("\"x\""),
                                 std::string(33, 'x'), std::string("gzip;q=1")}) {
    EXPECT_EQ(refusal({odd}), "of this kind is not accepted; send the body as it is");
  }
  for (const char* none : {"", " ", ",", "identity", "Identity", "IDENTITY , identity"}) {
    EXPECT_EQ(refusal({none}), "read") << none;
  }
  EXPECT_EQ(refusal({"identity", "", "Identity"}), "read");
}

}  // namespace
}  // namespace sluice::http
