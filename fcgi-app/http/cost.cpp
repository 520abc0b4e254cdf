#include "http/cost.h"

#include <fmt/format.h>

#include "base/digits.h"

namespace sluice::http {
namespace {

Result<std::int64_t> cost_in_header(const Request& request, const CostRule& rule) {
  const auto text = request.header(rule.name);
  if (!text) return tl::unexpected(text.error());
  if (!*text) return rule.cost;
  const auto cost = parse_digits(**text);
  if (!cost || *cost < rule.min || *cost > rule.max) {
    return fail(ErrorCode::kBadRequest, fmt::format("Header {} must be an integer from {} to {}",
                                                    header_name(rule.name), rule.min, rule.max));
  }
  return *cost;
}

Result<std::int64_t> cost_in_body(const Request& request, const CostRule& rule) {
  if (!request.json()) return tl::unexpected(request.json().error());
  const auto cost = request.json()->integer(rule.name, rule.min, rule.max);
  if (!cost) return tl::unexpected(cost.error());
  return cost->value_or(rule.cost);
}

}  // namespace

Result<std::int64_t> cost_of(const Request& request, const CostRule& rule) {
  switch (rule.source) {
    case CostRule::Source::kHeader:
      return cost_in_header(request, rule);
    case CostRule::Source::kBody:
      return cost_in_body(request, rule);
    case CostRule::Source::kFixed:
      break;
  }
  return rule.cost;
}

}  // namespace sluice::http
