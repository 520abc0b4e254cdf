#include "handlers/denial.h"

#include <algorithm>
#include <optional>
#include <string>

#include "base/append.h"
#include "base/digits.h"
#include "http/problem.h"

namespace sluice::handlers {
namespace {

constexpr std::string_view kTime = "SLUICE_SHIELD";
constexpr std::size_t kDecimals = 3;  // of nginx's $msec

// What nginx's clock shows: which second, and how much of it is left.
struct Moment {
  std::int64_t second;
  Duration left;
};

std::optional<Moment> moment_of(const http::Request& request) {
  const auto text = request.text_header(kTime);
  if (!text || !*text) return std::nullopt;
  const std::size_t point = std::min((*text)->find('.'), (*text)->size());
  const auto second = parse_digits((*text)->substr(0, point));
  const std::string_view decimals = (*text)->substr(std::min(point + 1, (*text)->size()));
  const auto passed = parse_digits(decimals);
  if (!second || !passed || decimals.size() != kDecimals) return std::nullopt;
  return Moment{*second, std::chrono::seconds(1) - std::chrono::milliseconds(*passed)};
}

// nginx's key has these two facts, and no others.
bool is_in_key(const limits::ScopePart& part) {
  return part.fact != limits::Fact::kFact || part.name == "tenant" || part.name == "user";
}

bool are_in_key(const limits::Decision& decision) {
  return std::all_of(decision.limits.begin(), decision.limits.end(), [](const auto* limit) {
    const auto& parts = limit->scope.parts;
    return std::all_of(parts.begin(), parts.end(), is_in_key);
  });
}

// Whether whoever asks the same would be denied too.
bool is_of_all(const Call& call) {
  const limits::Decision& decision = call.decision;
  return decision.source != limits::Source::kOnStoreError && !decision.crowded &&
         !call.identity.rejection && are_in_key(decision);
}

// The headers that the decision and the form of its answer depend on.
std::string headers_read(const policy::Policy& policy, std::string_view route) {
  std::string headers = "Accept, " + policy.identities().headers_at_gate();
  const auto costs = policy.costs().find(route);
  if (costs == policy.costs().end()) return headers;
  for (const http::CostRule& rule : costs->second) {
    if (rule.source != http::CostRule::Source::kHeader) continue;
    headers.append(", ").append(http::header_name(rule.name));
  }
  return headers;
}

}  // namespace

http::Response denial(const Call& call, std::string_view route) {
  auto response = http::problem(call.decision, http::form_of(call.request));
  const auto moment = call.request.is_gated ? moment_of(call.request) : std::nullopt;
  if (!moment || !is_of_all(call)) return response;
  const auto wait = call.decision.denied_for();
  if (!wait || *wait < moment->left) return response;
  response.add("X-Accel-Expires", "@" + number_text(moment->second));
  response.add("Vary", headers_read(*call.policy, route));
  return response;
}

}  // namespace sluice::handlers
