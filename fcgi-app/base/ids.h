// Identifiers that several layers exchange, and their alphabets.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

namespace sluice {

inline constexpr std::size_t kMaxIdLength = 64;

// Tenant, plan and limit ids: [a-z0-9][a-z0-9_-]{0,63}, exact case, never normalised. So an id can
// stand in a Redis key, a header or a log line as it is.
[[nodiscard]] constexpr bool is_valid_id(std::string_view id) {
  const auto alnum = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  if (id.empty() || id.size() > kMaxIdLength || !alnum(id.front())) return false;
  return std::all_of(id.begin(), id.end(),
                     [&](char c) { return alnum(c) || c == '_' || c == '-'; });
}

// The same for people, after "must be" or "use".
inline constexpr std::string_view kIdRule =
    "up to 64 of a-z, 0-9, _ and -, a letter or digit first";
static_assert(kMaxIdLength == 64);

// The random part of a session token: 128 bits, never guessed and never reused.
using SessionId = std::array<std::uint8_t, 16>;

// Of a decision: 128 bits, other ones for each, over all workers and hosts. Whoever knows many of
// them can guess no other.
using DecisionId = std::array<std::uint8_t, 16>;

// How much a request has proved about who sends it; decides which limits apply (limits/plan.h).
enum class Standing {
  kAnonymous,  // no valid session or API key: only the client's address is known
  kPartial,    // a valid session that is named once, or with a refused request: address and session
  kKnown,      // an API key; or tenant and session, the same in header and body
  kExempt,     // on the exempt list: no limit applies
  kRejected,   // a forged, foreign or expired claim: charged to the client's address
};

}  // namespace sluice
