#include "limiter/reserved_units.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstdint>

#include "base/append.h"

namespace sluice::limiter {
namespace {

using std::chrono::seconds;

// A reservation lives for less than so many parts.
constexpr std::int64_t kParts = 16;

// A power of two, so that routes whose reservations live about as long share their counters.
seconds part_of(Duration settle_within) {
  const auto whole = std::chrono::duration_cast<seconds>(settle_within).count();
  const auto part = static_cast<std::uint64_t>(std::max<std::int64_t>(1, whole * 2 / kParts));
  return seconds(std::bit_floor(part));
}

// The number of the part that ends at `until` or next after it.
std::int64_t number_of(TimePoint until, seconds part) {
  return std::chrono::ceil<seconds>(until.time_since_epoch() + part - seconds(1)).count() /
         part.count();
}

std::string key_of(std::string_view key, seconds part, std::int64_t number) {
  std::string text(key);
  text.append(":@reserved:");
  append_number(text, part.count());
  text.append(":");
  append_number(text, number);
  return text;
}

}  // namespace

limits::Limit reserved_counter(Duration settle_within) {
  const std::int64_t window = (kParts + 1) * part_of(settle_within).count();
  return {.name = "@reserved",
          .rate = {limits::kMaxQuota, {window, limits::Unit::kSecond}},
          .mode = limits::Mode::kShadow};
}

std::string reserved_key(std::string_view key, Duration settle_within, TimePoint until) {
  const seconds part = part_of(settle_within);
  return key_of(key, part, number_of(until, part));
}

std::vector<std::string> reserved_keys(std::string_view key, Duration settle_within,
                                       TimePoint now) {
  const seconds part = part_of(settle_within);
  std::vector<std::string> keys;
  const std::int64_t last = number_of(now + settle_within, part);
  for (std::int64_t number = number_of(now, part); number <= last; ++number) {
    keys.push_back(key_of(key, part, number));
  }
  return keys;
}

}  // namespace sluice::limiter
