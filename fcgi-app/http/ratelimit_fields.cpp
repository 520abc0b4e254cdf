#include "http/ratelimit_fields.h"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>

namespace sluice::http {
namespace {

using limits::Balance;
using limits::Decision;
using limits::Limit;

// Only whole seconds may stand as `w`: a window that has none, or a fraction, leaves it out.
void append_policy(std::string& list, const Limit& limit) {
  fmt::format_to(std::back_inserter(list), "{}\"{}\";q={}", list.empty() ? "" : ", ", limit.name,
                 limit.quota());
  const Duration window = limit.window();
  if (window % std::chrono::seconds(1) == Duration::zero()) {
    fmt::format_to(std::back_inserter(list), ";w={}", ceil_seconds(window));
  }
}

void append_state(std::string& list, const Limit& limit, const Balance& balance) {
  fmt::format_to(std::back_inserter(list), "{}\"{}\";r={};t={}", list.empty() ? "" : ", ",
                 limit.name, balance.remaining, ceil_seconds(balance.reset_after));
}

}  // namespace

void write_ratelimit_fields(const Decision& decision, Response& response) {
  if (decision.balances.empty()) return;
  const std::size_t tightest = decision.tightest();
  const Balance& balance = decision.balances[tightest];
  const auto reset_at = ceil_seconds((decision.at + balance.reset_after).time_since_epoch());
  response.add("X-RateLimit-Limit", fmt::to_string(decision.limits[tightest]->quota()));
  response.add("X-RateLimit-Remaining", fmt::to_string(balance.remaining));
  response.add("X-RateLimit-Reset", fmt::to_string(reset_at));

  std::string policies;
  std::string states;
  for (std::size_t i = 0; i < decision.limits.size(); ++i) {
    append_policy(policies, *decision.limits[i]);
    append_state(states, *decision.limits[i], decision.balances[i]);
  }
  response.add("RateLimit-Policy", policies);
  response.add("RateLimit", states);
  if (!decision.allowed && balance.retry_after != limits::kNever) {
    const auto seconds = std::max<std::int64_t>(1, ceil_seconds(balance.retry_after));
    response.add("Retry-After", fmt::to_string(seconds));
  }
}

}  // namespace sluice::http
