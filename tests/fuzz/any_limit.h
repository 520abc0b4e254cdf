// Limits and charges, as an input has them.
#pragma once

#include <array>
#include <optional>

#include "fuzz/harness.h"
#include "limits/charge.h"

namespace sluice::fuzz {

inline constexpr std::array<limits::Unit, 8> kUnits{
    limits::Unit::kMillisecond, limits::Unit::kSecond, limits::Unit::kMinute, limits::Unit::kHour,
    limits::Unit::kDay,         limits::Unit::kWeek,   limits::Unit::kMonth,  limits::Unit::kYear};

// One that config would take, or nothing.
inline std::optional<limits::Limit> any_limit(Input& input) {
  limits::Limit limit{.name = "any", .rate = {}};
  const unsigned kind = input.byte();
  limit.algorithm = static_cast<limits::Algorithm>(kind % 5 + 1);
  if (limit.algorithm == limits::Algorithm::kFixedWindow) {
    limit.alignment = static_cast<limits::Alignment>(kind / 5 % 3);
  }
  limit.on_change = static_cast<limits::OnChange>(kind / 16 % 3);
  limit.mode = kind < 224 ? limits::Mode::kEnforce : limits::Mode::kShadow;
  limit.rate.window.unit = kUnits.at(input.byte() % kUnits.size());
  const Duration unit = limit.window();
  limit.rate.window.count = 1 + input.integer<std::uint32_t>() % (limits::kMaxWindow / unit);
  limit.rate.quota = input.integer<std::uint32_t>() % (limits::kMaxQuota + 1);
  if (limits::is_bucket(limit.algorithm)) {
    limit.burst = input.integer<std::uint32_t>() % (limits::kMaxQuota + 1);
  }
  if (limit.complaint()) return std::nullopt;
  return limit;
}

// A moment from 1970 to 2100.
inline TimePoint any_time(Input& input) {
  constexpr std::int64_t kEnd = 4'102'444'800'000'000;
  return TimePoint(Duration(input.between(0, kEnd)));
}

// What a client is told of `limit` makes sense.
inline void expect_sound(const limits::Balance& balance, const limits::Limit& limit) {
  require(balance.remaining >= 0, "what remains is 0 or more");
  require(balance.remaining <= limit.terms().capacity, "what remains is at most the capacity");
  require(balance.reset_after >= Duration::zero(), "a reset is not in the past");
  require(balance.retry_after >= Duration::zero(), "a retry is not in the past");
  require(balance.more_after >= Duration::zero(), "more is not in the past");
  require(balance.more_after <= balance.reset_after, "more is there when all is back");
}

}  // namespace sluice::fuzz
