#include "http/ratelimit_fields.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

namespace sluice::http {
namespace {

using limits::Balance;
using limits::Decision;
using limits::Limit;

// A default may apply beside a tenant's limit of the same name; clients need two names then.
std::string policy_name(const Decision& decision, const Limit& limit) {
  const auto same_name = [&](const Limit* other) { return other->name == limit.name; };
  const auto& all = decision.limits;
  const bool shared = std::count_if(all.begin(), all.end(), same_name) > 1;
  return shared && limit.tenant.empty() ? "default:" + limit.name : limit.name;
}

// Only whole seconds may stand as `w`: a window that has none, or a fraction, leaves it out.
void append_policy(std::string& list, const std::string& name, const Limit& limit) {
  fmt::format_to(std::back_inserter(list), "{}\"{}\";q={}", list.empty() ? "" : ", ", name,
                 limit.quota());
  const Duration window = limit.window();
  if (window % std::chrono::seconds(1) == Duration::zero()) {
    fmt::format_to(std::back_inserter(list), ";w={}", ceil_seconds(window));
  }
}

void append_state(std::string& list, const std::string& name, const Balance& balance) {
  fmt::format_to(std::back_inserter(list), "{}\"{}\";r={};t={}", list.empty() ? "" : ", ", name,
                 balance.remaining, ceil_seconds(balance.reset_after));
}

}  // namespace

void write_ratelimit_fields(const Decision& decision, Response& response) {
  const auto tightest = decision.tightest();
  if (!tightest) return;
  const Balance& balance = decision.balances[*tightest];
  const auto reset_at = ceil_seconds((decision.at + balance.reset_after).time_since_epoch());
  response.add("X-RateLimit-Limit", fmt::to_string(decision.limits[*tightest]->quota()));
  response.add("X-RateLimit-Remaining", fmt::to_string(balance.remaining));
  response.add("X-RateLimit-Reset", fmt::to_string(reset_at));

  std::string policies;
  std::string states;
  for (std::size_t i = 0; i < decision.limits.size(); ++i) {
    const std::string name = policy_name(decision, *decision.limits[i]);
    append_policy(policies, name, *decision.limits[i]);
    append_state(states, name, decision.balances[i]);
  }
  response.add("RateLimit-Policy", policies);
  response.add("RateLimit", states);
  if (!decision.allowed && balance.retry_after != limits::kNever) {
    const auto seconds = std::max<std::int64_t>(1, ceil_seconds(balance.retry_after));
    response.add("Retry-After", fmt::to_string(seconds));
  }
}

}  // namespace sluice::http
