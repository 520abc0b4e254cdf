// From bytes to requests: RecordScanner and Exchange, against an independent reading.
#include <algorithm>
#include <string>
#include <vector>

#include "fcgi/exchange.h"
#include "fcgi/record_scanner.h"
#include "fuzz/fastcgi.h"
#include "fuzz/harness.h"

namespace sluice::fcgi {
namespace {

using fuzz::Decoded;
using fuzz::require;
using fuzz::Verdict;

// Feeds the front of `bytes` in pieces of these sizes, over and over.
Verdict feed(RecordScanner& scanner, std::string_view& bytes, std::string_view sizes) {
  Verdict verdict = Verdict::kIncomplete;
  for (std::size_t i = 0; verdict == Verdict::kIncomplete && !bytes.empty(); ++i) {
    const std::size_t size =
        sizes.empty() ? bytes.size() : static_cast<unsigned char>(sizes[i % sizes.size()]) + 1U;
    std::string_view piece = bytes.substr(0, size);
    const std::size_t before = piece.size();
    verdict = scanner.feed(piece);
    require(verdict != Verdict::kIncomplete || piece.empty(), "what is incomplete takes all");
    bytes.remove_prefix(before - piece.size());
  }
  return verdict;
}

void expect_request(const http::Request& request, const Decoded& expected,
                    RecordScanner::Options bounds) {
  fuzz::Pairs pairs = expected.pairs;
  pairs.resize(std::min(pairs.size(), http::Request::kMaxParams));
  require(request.params.size() == pairs.size(), "every parameter is there, and no other");
  std::string_view method;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    require(request.params[i].name == pairs[i].first, "names are as sent", pairs[i].first);
    require(request.params[i].value == pairs[i].second, "values are as sent", pairs[i].second);
    if (pairs[i].first == "REQUEST_METHOD") method = pairs[i].second;
  }
  require(request.method == method, "the method is its parameter", method);
  const bool too_large = expected.body.size() > bounds.max_body_bytes;
  require(request.body_too_large == too_large, "a body is too large above its bound");
  require(request.body == (too_large ? "" : expected.body), "the body is as sent", expected.body);
}

void expect_exchange(Exchange& exchange, const RecordScanner& scanner, const Decoded& expected,
                     RecordScanner::Options bounds) {
  require(exchange.begin(scanner), "libfcgi takes what is complete");
  expect_request(exchange.request(), expected, bounds);
  require(exchange.keep_connection() == expected.keep, "a connection is kept as asked");
  const http::Response response(200, std::string(exchange.request().body));
  const std::string text = response.serialize();
  require(fuzz::read_answer(exchange.finish(response), expected.id) == text,
          "the answer's records hold the response", text);
}

void check(std::string_view bytes, std::string_view sizes, RecordScanner::Options bounds) {
  RecordScanner whole(bounds);
  RecordScanner split(bounds);
  Exchange exchange;
  for (;;) {
    const Decoded expected = fuzz::Decoder(bytes, bounds).decode();
    require(whole.idle() && split.idle(), "a scanner is idle between requests");
    std::string_view left = bytes;
    const Verdict verdict = feed(whole, left, "");
    require(verdict == expected.verdict, "the verdict is the specification's");
    std::string_view also_left = bytes;
    require(feed(split, also_left, sizes) == verdict, "no split changes the verdict");
    require(verdict == Verdict::kViolation || split.body() == whole.body(),
            "no split changes the body");
    require(split.body_too_large() == whole.body_too_large(), "nor how large it is");
    require(whole.body().size() <= bounds.max_body_bytes, "what is kept of a body has a bound");
    if (verdict != Verdict::kComplete) return;
    require(left.size() == also_left.size() && bytes.size() - left.size() == expected.size,
            "exactly one request is taken");
    expect_exchange(exchange, split, expected, bounds);
    bytes.remove_prefix(expected.size);
    whole.reset();
    split.reset();
  }
}

}  // namespace
}  // namespace sluice::fcgi

// A byte for the bounds, the number of sizes, the sizes of pieces; the rest is what is received.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const bool ready = sluice::fcgi::initialize_libfcgi().has_value();
  sluice::fuzz::require(ready, "libfcgi starts");
  sluice::fuzz::Input input(data, size);
  sluice::fcgi::RecordScanner::Options bounds;
  const unsigned kind = input.byte();
  if ((kind & 1U) != 0) bounds.max_params_bytes = 96;
  if ((kind & 2U) != 0) bounds.max_body_bytes = 24;
  const std::string_view sizes = input.bytes(input.byte());
  const sluice::fuzz::Exact bytes(input.rest());
  sluice::fcgi::check(bytes.view(), sizes, bounds);
  return 0;
}
