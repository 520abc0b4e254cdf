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

  // What the scanner makes of these bytes; whether libfcgi takes it.
  bool begin(std::string_view bytes) {
    scanner_.reset();
    static_cast<void>(scanner_.feed(bytes));
    return exchange_.begin(scanner_);
  }

  RecordScanner scanner_{{}};
  Exchange exchange_;
};

TEST_F(ExchangeTest, ARequestComesOutAsItWentIn) {
  const std::string body(30'000, 'x');
  ASSERT_TRUE(begin(request({{"REQUEST_METHOD", "POST"},
                             {"DOCUMENT_URI", "/chat"},
                             {"REMOTE_ADDR", "127.0.0.1"},
                             {"HTTP_X_TENANT_ID", "acme"}},
                            body)));
  EXPECT_EQ(exchange_.request().method, "POST");
  EXPECT_EQ(exchange_.request().path, "/chat");
  EXPECT_EQ(exchange_.request().remote_address, "127.0.0.1");
  EXPECT_EQ(*exchange_.request().header("HTTP_X_TENANT_ID"), "acme");
  EXPECT_EQ(exchange_.request().body, body);
  EXPECT_TRUE(exchange_.keep_connection());
  EXPECT_EQ(stdout_of(exchange_.finish({200, "{}"})), http::Response(200, "{}").serialize());
}

// FastCGI 1.0, sections 3.3 and 5.5: a record of the answer, padded to eight bytes, an empty one,
// and the end of the request.
TEST_F(ExchangeTest, AnAnswerIsTheseBytes) {
  ASSERT_TRUE(begin(request({{"A", "B"}})));
  const std::string text =
      "Status: 200 OK\r\nContent-Type: application/json\r\nCache-Control: no-store\r\n"
      "Content-Length: 2\r\n\r\n{}";
  const std::size_t padding = (8 - text.size() % 8) % 8;
  EXPECT_EQ(exchange_.finish({200, "{}"}), record(6, text, 1, 0).replace(6, 1, 1, byte(padding)) +
                                               std::string(padding, '\0') + kEnd);
}

TEST_F(ExchangeTest, AnAnswerInPartsIsTheSameText) {
  for (const bool keep : {true, false}) {
    ASSERT_TRUE(begin(request({{"A", "B"}}, "", keep)));
    std::string output;
    exchange_.write("Status: 200 OK\r\n\r\n", output);
    EXPECT_EQ(stdout_of(output), "Status: 200 OK\r\n\r\n");
    exchange_.write(std::string(30'000, 'x'), output);
    exchange_.write("", output);
    exchange_.write("y", output);
    EXPECT_EQ(stdout_of(output), "Status: 200 OK\r\n\r\n" + std::string(30'000, 'x') + "y");
    const std::size_t before = output.size();
    exchange_.finish(output);
    EXPECT_EQ(output.substr(before), kEnd);
  }
}

TEST_F(ExchangeTest, ServesOneRequestAfterAnother) {
  for (int i = 0; i < 3; ++i) {
    const std::string path = "/" + std::to_string(i);
    ASSERT_TRUE(begin(request({{"DOCUMENT_URI", path}}, "", i != 2)));
    EXPECT_EQ(exchange_.request().path, path);
    EXPECT_EQ(exchange_.request().body, "");
    EXPECT_EQ(exchange_.keep_connection(), i != 2);
    EXPECT_FALSE(exchange_.finish({200, std::string(50'000, 'y')}).empty());
  }
}

TEST_F(ExchangeTest, ABodyThatWasTooLargeIsNotShown) {
  const std::size_t bound = RecordScanner::Options{}.max_body_bytes;
  ASSERT_TRUE(begin(request({{"A", "B"}}, std::string(bound + 1, 'x'))));
  EXPECT_TRUE(exchange_.request().body_too_large);
  EXPECT_EQ(exchange_.request().body, "");
  static_cast<void>(exchange_.finish({413, ""}));
}

TEST_F(ExchangeTest, OfTooManyParametersTheFirstAreShownAndItSaysSo) {
  for (const std::size_t count : {http::Request::kMaxParams, http::Request::kMaxParams + 1}) {
    Pairs params(count - 1, {"HTTP_A", "x"});
    params.push_back({"DOCUMENT_URI", "/"});
    ASSERT_TRUE(begin(request(params)));
    EXPECT_EQ(exchange_.request().params.size(), http::Request::kMaxParams);
    EXPECT_EQ(exchange_.request().too_many_params, count > http::Request::kMaxParams);
    EXPECT_EQ(exchange_.request().path, count > http::Request::kMaxParams ? "" : "/");
    static_cast<void>(exchange_.finish({400, ""}));
  }
}

TEST_F(ExchangeTest, RefusesRecordsThatAreNotARequest) {
  EXPECT_FALSE(begin(""));
  EXPECT_FALSE(begin(begin_request()));
  EXPECT_TRUE(begin(request({{"A", "B"}})));  // and goes on working
  static_cast<void>(exchange_.finish({200, ""}));
}

}  // namespace
}  // namespace sluice::fcgi
