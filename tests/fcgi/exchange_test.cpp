#include "fcgi/exchange.h"

#include <gtest/gtest.h>

#include "fcgi/records.h"

namespace sluice::fcgi {
namespace {

class ExchangeTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { ASSERT_TRUE(initialize_libfcgi()); }
};

std::string stdout_of(std::string_view records) {
  std::string text;
  while (records.size() >= 8) {
    const auto at = [&](std::size_t i) { return static_cast<unsigned char>(records[i]); };
    const std::size_t size = at(4) * 256U + at(5);
    if (at(1) == 6) text += records.substr(8, size);
    records.remove_prefix(8 + size + at(6));
  }
  return text;
}

TEST_F(ExchangeTest, ARequestComesOutAsItWentIn) {
  Exchange exchange;
  const std::string body(30'000, 'x');
  ASSERT_TRUE(exchange.begin(request({{"REQUEST_METHOD", "POST"},
                                      {"DOCUMENT_URI", "/chat"},
                                      {"REMOTE_ADDR", "127.0.0.1"},
                                      {"HTTP_X_TENANT_ID", "acme"}},
                                     body),
                             false));
  EXPECT_EQ(exchange.request().method, "POST");
  EXPECT_EQ(exchange.request().path, "/chat");
  EXPECT_EQ(exchange.request().remote_address, "127.0.0.1");
  EXPECT_EQ(*exchange.request().header("HTTP_X_TENANT_ID"), "acme");
  EXPECT_EQ(exchange.request().body, body);
  EXPECT_TRUE(exchange.keep_connection());
  EXPECT_EQ(stdout_of(exchange.finish({200, "{}"})), http::Response(200, "{}").serialize());
}

TEST_F(ExchangeTest, ServesOneRequestAfterAnother) {
  Exchange exchange;
  for (int i = 0; i < 3; ++i) {
    const std::string path = "/" + std::to_string(i);
    ASSERT_TRUE(exchange.begin(request({{"DOCUMENT_URI", path}}, "", i != 2), false));
    EXPECT_EQ(exchange.request().path, path);
    EXPECT_EQ(exchange.request().body, "");
    EXPECT_EQ(exchange.keep_connection(), i != 2);
    EXPECT_FALSE(exchange.finish({200, std::string(50'000, 'y')}).empty());
  }
}

TEST_F(ExchangeTest, ABodyThatWasTooLargeIsNotShown) {
  Exchange exchange;
  ASSERT_TRUE(exchange.begin(request({{"A", "B"}}, "cut short"), true));
  EXPECT_TRUE(exchange.request().body_too_large);
  EXPECT_EQ(exchange.request().body, "");
  static_cast<void>(exchange.finish({413, ""}));
}

TEST_F(ExchangeTest, OfTooManyParametersTheFirstAreShownAndItSaysSo) {
  for (const std::size_t count : {Exchange::kMaxParams, Exchange::kMaxParams + 1}) {
    Pairs params(count - 2, {"HTTP_A", "x"});  // libfcgi adds FCGI_ROLE
    params.push_back({"DOCUMENT_URI", "/"});
    Exchange exchange;
    ASSERT_TRUE(exchange.begin(request(params), false));
    EXPECT_EQ(exchange.request().params.size(), Exchange::kMaxParams);
    EXPECT_EQ(exchange.request().too_many_params, count > Exchange::kMaxParams);
    EXPECT_EQ(exchange.request().path, count > Exchange::kMaxParams ? "" : "/");
    static_cast<void>(exchange.finish({400, ""}));
  }
}

TEST_F(ExchangeTest, RefusesRecordsThatAreNotARequest) {
  Exchange exchange;
  EXPECT_FALSE(exchange.begin("", false));
  EXPECT_FALSE(exchange.begin(begin_request(), false));
  EXPECT_TRUE(exchange.begin(request({{"A", "B"}}), false));  // and goes on working
  static_cast<void>(exchange.finish({200, ""}));
}

}  // namespace
}  // namespace sluice::fcgi
