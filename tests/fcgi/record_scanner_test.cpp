#include "fcgi/record_scanner.h"

#include <gtest/gtest.h>

#include "fcgi/records.h"

namespace sluice::fcgi {
namespace {

using Verdict = RecordScanner::Verdict;

constexpr RecordScanner::Options kSmall{.max_params_bytes = 4096, .max_body_bytes = 100};

Verdict feed_all(RecordScanner& scanner, std::string_view bytes) {
  return scanner.feed(bytes);
}

// What is there of a request.
Pairs params_of(const RecordScanner& scanner) {
  Pairs params;
  for (const auto& [name, value] : scanner.params()) params.emplace_back(name, value);
  return params;
}

Verdict verdict_on(std::string_view bytes) {
  RecordScanner scanner(kSmall);
  return scanner.feed(bytes);
}

const Pairs kParams{{"A", "B"}, {"LONG", std::string(300, 'x')}, {"", ""}, {"A=B", "C=D"}};
// FCGI_BEGIN_REQUEST, and FCGI_PARAMS without content.
const std::string kOpening = begin_request() + record(4, "");

TEST(RecordScannerTest, AWholeRequestIsComplete) {
  RecordScanner scanner(kSmall);
  const std::string text = request(kParams, "body");
  std::string_view rest = text;
  EXPECT_EQ(scanner.feed(rest), Verdict::kComplete);
  EXPECT_TRUE(rest.empty());
  EXPECT_EQ(scanner.opening(), kOpening);
  EXPECT_EQ(params_of(scanner), kParams);
  EXPECT_EQ(scanner.body(), "body");
  EXPECT_FALSE(scanner.body_too_large());
}

TEST(RecordScannerTest, ByteByByteIsTheSameAsAtOnce) {
  RecordScanner scanner(kSmall);
  const std::string text = request(kParams, "body");
  for (std::size_t i = 0; i < text.size(); ++i) {
    EXPECT_EQ(feed_all(scanner, text.substr(i, 1)),
              i + 1 < text.size() ? Verdict::kIncomplete : Verdict::kComplete);
  }
  EXPECT_EQ(scanner.opening(), kOpening);
  EXPECT_EQ(params_of(scanner), kParams);
  EXPECT_EQ(scanner.body(), "body");
}

TEST(RecordScannerTest, AValueIsTakenWholeWithANulInIt) {
  RecordScanner scanner(kSmall);
  const std::string value("a\0b", 3);
  EXPECT_EQ(feed_all(scanner, request({{"A", value}})), Verdict::kComplete);
  EXPECT_EQ(params_of(scanner), (Pairs{{"A", value}}));
}

TEST(RecordScannerTest, StopsAtTheEndOfTheRequest) {
  RecordScanner scanner(kSmall);
  const std::string text = request({{"A", "B"}}) + "next";
  std::string_view rest = text;
  EXPECT_EQ(scanner.feed(rest), Verdict::kComplete);
  EXPECT_EQ(rest, "next");
}

TEST(RecordScannerTest, AfterAResetTheNextRequestIsScannedAnew) {
  RecordScanner scanner(kSmall);
  EXPECT_TRUE(scanner.idle());
  EXPECT_EQ(feed_all(scanner, request({{"A", "B"}}, "first")), Verdict::kComplete);
  scanner.reset();
  EXPECT_TRUE(scanner.idle());
  EXPECT_EQ(feed_all(scanner, request({{"C", "D"}})), Verdict::kComplete);
  EXPECT_EQ(scanner.opening(), kOpening);
  EXPECT_EQ(params_of(scanner), (Pairs{{"C", "D"}}));
  EXPECT_EQ(scanner.body(), "");
}

TEST(RecordScannerTest, IsNotIdleOnceTheFirstByteIsThere) {
  for (const std::size_t size : {1U, 7U, 8U, 9U, 16U}) {
    RecordScanner scanner(kSmall);
    EXPECT_EQ(feed_all(scanner, begin_request().substr(0, size)), Verdict::kIncomplete);
    EXPECT_FALSE(scanner.idle()) << size;
  }
}

TEST(RecordScannerTest, PaddingIsTakenAndDropped) {
  RecordScanner scanner(kSmall);
  const std::string padded = begin_request() + record(4, pairs({{"A", "B"}}), 1, 255) +
                             record(4, "", 1, 7) + record(5, "", 1, 8);
  EXPECT_EQ(feed_all(scanner, padded), Verdict::kComplete);
  EXPECT_EQ(scanner.opening(), kOpening);
  EXPECT_EQ(params_of(scanner), (Pairs{{"A", "B"}}));
}

TEST(RecordScannerTest, ABodyBeyondItsBoundIsReadToTheEndAndNotKept) {
  RecordScanner scanner(kSmall);
  EXPECT_EQ(feed_all(scanner, request({{"A", "B"}}, std::string(100, 'x'))), Verdict::kComplete);
  EXPECT_FALSE(scanner.body_too_large());
  scanner.reset();
  EXPECT_EQ(feed_all(scanner, request({{"A", "B"}}, std::string(1'000'000, 'x'))),
            Verdict::kComplete);
  EXPECT_TRUE(scanner.body_too_large());
  EXPECT_EQ(scanner.body(), "");
}

TEST(RecordScannerTest, PairsMaySpanRecords) {
  const std::string text = pairs({{"NAME", std::string(200, 'v')}, {"", ""}, {"B", ""}});
  for (std::size_t cut = 1; cut < text.size(); ++cut) {
    EXPECT_EQ(verdict_on(begin_request() + record(4, text.substr(0, cut)) +
                         record(4, text.substr(cut)) + record(4, "") + record(5, "")),
              Verdict::kComplete)
        << cut;
  }
}

TEST(RecordScannerTest, RefusesWhatNoWebServerSends) {
  const std::string begin = begin_request();
  const std::string params = record(4, pairs({{"A", "B"}}));
  const std::string end_params = record(4, "");
  const std::string huge_lengths =
      "\xff\xff\xff\xf0\xff\xff\xff\xf0";  // their sum overflows an int
  std::string wrong_version = begin;
  wrong_version[0] = '\2';
  const std::vector<std::pair<const char*, std::string>> rows{
      {"text", "GET / HTTP/1.1\r\n"},
      {"a wrong version", wrong_version},
      {"a request id of zero", record(1, std::string(8, '\0'), 0)},
      {"management records", record(9, pairs({{"FCGI_MAX_CONNS", ""}}), 0)},
      {"parameters before the beginning", params},
      {"a short beginning", record(1, "1234567")},
      {"the role of an authorizer", begin_request(true, 2)},
      {"an unknown role", begin_request(true, 5)},
      {"a second beginning", begin + begin},
      {"another request in between", begin + record(4, pairs({{"A", "B"}}), 2)},
      {"a body before the end of the parameters", begin + params + record(5, "x")},
      {"an abort", begin + record(2, "")},
      {"a pair cut in its text", begin + record(4, "\1\5A") + end_params},
      {"a pair cut in a long length", begin + record(4, "\x80") + end_params},
      {"a pair without its value length", begin + record(4, "\1") + end_params},
      {"lengths that overflow", begin + record(4, huge_lengths) + end_params},
      {"a pair larger than all may be", begin + record(4, length(4000) + length(97)) + end_params},
      {"data of a filter", begin + params + end_params + record(8, "x")},
  };
  for (const auto& [what, bytes] : rows) {
    EXPECT_EQ(verdict_on(bytes), Verdict::kViolation) << what;
  }
}

TEST(RecordScannerTest, OfParametersBeyondTheirBoundThoseCountThatAreWhole) {
  const std::string body = record(5, "");
  for (const std::size_t size : {60U, 100U, 9000U}) {
    const std::string bytes =
        begin_request(true) + record(4, pairs({{"A", std::string(4000, 'x')}})) +
        record(4, pairs({{"B", std::string(size, 'y')}, {"C", "z"}})) + record(4, "") + body;
    RecordScanner scanner({.max_params_bytes = 4096, .max_body_bytes = 4096});
    std::string_view rest = bytes;
    EXPECT_EQ(scanner.feed(rest), Verdict::kComplete) << size;
    const bool fits = size == 60;
    EXPECT_EQ(scanner.too_many_params(), !fits) << size;
    ASSERT_EQ(scanner.params().size(), fits ? 3U : 1U) << size;
    EXPECT_EQ(scanner.params()[0].name, "A");
    scanner.reset();
    EXPECT_FALSE(scanner.too_many_params());
  }
}

}  // namespace
}  // namespace sluice::fcgi
