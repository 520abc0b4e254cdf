#include "limiter/penalty.h"

#include <algorithm>

#include "limiter/bucket_key.h"

namespace sluice::limiter {
namespace {

using limits::Charge;
using limits::Limit;

constexpr std::string_view kName = "@penalty";
constexpr std::string_view kDenialsName = "@denials";
// Doubling that often reaches any `most`, and shifts no bit out.
constexpr std::int64_t kRungs = 30;

const Limit& lock_out_limit() {
  static const Limit limit = countdown(std::string(kName));
  return limit;
}

}  // namespace

Limit countdown(std::string name) {
  Limit limit{.name = std::move(name), .rate = {1, {1, limits::Unit::kSecond}}};
  limit.algorithm = limits::Algorithm::kLeakyBucket;
  limit.burst = kMaxCountdown;
  limit.mode = limits::Mode::kHold;
  return limit;
}

Penalty::Penalty(std::string_view key_prefix, Options options)
    : key_prefix_(key_prefix),
      options_(options),
      denials_{.name = std::string(kDenialsName),
               .rate = {1, {options.forget.count(), limits::Unit::kSecond}}} {
  denials_.algorithm = limits::Algorithm::kLeakyBucket;
  denials_.burst = options.after + kRungs;
}

Charge Penalty::lock_out(const identity::Identity& identity, std::int64_t seconds) const {
  return {key(kName, identity), &lock_out_limit(), seconds};
}

Charge Penalty::denial(const identity::Identity& identity) const {
  return {key(kDenialsName, identity), &denials_, 1};
}

std::chrono::seconds Penalty::due(std::int64_t remaining) const {
  const std::int64_t rung = kRungs - remaining;  // 1 for the first denial above `after`
  if (rung <= 0) return {};
  return std::min(options_.most, options_.first * (std::int64_t{1} << (rung - 1)));
}

std::string Penalty::key(std::string_view name, const identity::Identity& identity) const {
  return identity.standing == Standing::kKnown ? session_key(key_prefix_, name, identity)
                                               : address_key(key_prefix_, name, identity);
}

}  // namespace sluice::limiter
