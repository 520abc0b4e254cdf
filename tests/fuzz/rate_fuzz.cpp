// Rates: what is read is within its bounds, and reads again, however it is written.
#include <cctype>
#include <string>

#include "fuzz/harness.h"
#include "limits/charge.h"
#include "limits/rate.h"

namespace sluice::limits {
namespace {

using fuzz::require;

std::string text_of(const Rate& rate) {
  return Limit{.name = "x", .rate = rate}.text();
}

std::string upper(std::string_view text) {
  std::string copy(text);
  for (char& c : copy) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return copy;
}

void expect_within_bounds(const Rate& rate, std::string_view text) {
  require(rate.quota >= 0 && rate.quota <= kMaxQuota, "a quota is 0 to kMaxQuota", text);
  require(rate.window.count >= 1, "a window is 1 or more", text);
  require(rate.window.length() > Duration::zero() && rate.window.length() <= kMaxWindow,
          "a window is at most kMaxWindow long", text);
}

void expect_same(const Result<Rate>& seen, const Rate& rate, std::string_view text) {
  require(seen.has_value(), "a rate written again is read", text);
  require(*seen == rate, "a rate written again is the same", text);
}

void check_rate(std::string_view text) {
  const auto rate = parse_rate(text);
  if (!rate) {
    require(rate.error().code == ErrorCode::kInvalidConfig, "an error is of the config", text);
    require(!rate.error().detail.empty(), "an error says why", text);
    return;
  }
  expect_within_bounds(*rate, text);
  const std::string written = text_of(*rate);
  expect_same(parse_rate(written), *rate, written);
  expect_same(parse_rate(upper(text)), *rate, text);
  expect_same(parse_rate(" " + std::string(text) + " "), *rate, text);
  const Limit limit{.name = "x", .rate = *rate};
  const std::string shorter = std::to_string(rate->quota) + "/" + limit.rate.window.suffix();
  expect_same(parse_rate(shorter), *rate, shorter);
}

void check_rates(std::string_view text) {
  const auto rates = parse_rates(text);
  if (!rates) {
    require(rates.error().code == ErrorCode::kInvalidConfig, "an error is of the config", text);
    return;
  }
  require(!rates->empty() && rates->size() <= kMaxLimits, "1 to kMaxLimits rates", text);
  std::string written;
  for (const Rate& rate : *rates) {
    expect_within_bounds(rate, text);
    for (const Rate& other : *rates) {
      require(&rate == &other || rate.window.length() != other.window.length(),
              "no two windows have one length", text);
    }
    written += (written.empty() ? "" : "; ") + text_of(rate);
  }
  const auto again = parse_rates(written);
  require(again.has_value() && *again == *rates, "rates written again are the same", written);
  require(rates->size() > 1 || parse_rate(text).has_value(), "a single rate is one", text);
}

}  // namespace
}  // namespace sluice::limits

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const sluice::fuzz::Exact text(sluice::fuzz::Input(data, size).rest());
  sluice::limits::check_rate(text.view());
  sluice::limits::check_rates(text.view());
  return 0;
}
