#include "fcgi/exchange.h"

#include <gtest/gtest.h>

#include "fcgi/records.h"

namespace sluice::fcgi {
namespace {

// FCGI_STDOUT without content, FCGI_END_REQUEST with status 0 and FCGI_REQUEST_COMPLETE.
const std::string kEnd = record(6, "") + record(3, std::string(8, '\0'));

class ExchangeTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { ASSERT_TRUE(initialize_libfcgi()); }
};

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

// FastCGI 1.0, sections 3.3 and 5.5: a record of the answer, padded to eight bytes, an empty one,
// and the end of the request.
TEST_F(ExchangeTest, AnAnswerIsTheseBytes) {
  Exchange exchange;
  ASSERT_TRUE(exchange.begin(request({{"A", "B"}}), false));
  const std::string text =
      "Status: 200 OK\r\nContent-Type: application/json\r\nCache-Control: no-store\r\n"
      "Content-Length: 2\r\n\r\n{}";
  const std::size_t padding = (8 - text.size() % 8) % 8;
  EXPECT_EQ(exchange.finish({200, "{}"}), record(6, text, 1, 0).replace(6, 1, 1, byte(padding)) +
                                              std::string(padding, '\0') + kEnd);
}

TEST_F(ExchangeTest, AnAnswerInPartsIsTheSameText) {
  Exchange exchange;
  for (const bool keep : {true, false}) {
    ASSERT_TRUE(exchange.begin(request({{"A", "B"}}, "", keep), false));
    std::string output;
    exchange.write("Status: 200 OK\r\n\r\n", output);
    EXPECT_EQ(stdout_of(output), "Status: 200 OK\r\n\r\n");
    exchange.write(std::string(30'000, 'x'), output);
    exchange.write("", output);
    exchange.write("y", output);
    EXPECT_EQ(stdout_of(output), "Status: 200 OK\r\n\r\n" + std::string(30'000, 'x') + "y");
    const std::size_t before = output.size();
    exchange.finish(output);
    EXPECT_EQ(output.substr(before), kEnd);
  }
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
