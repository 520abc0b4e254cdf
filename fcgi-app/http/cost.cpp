#include "http/cost.h"

#include <fmt/format.h>

#include "base/digits.h"

namespace sluice::http {
namespace {

tl::unexpected<Error> refuse(const std::string& what, const CostRule& rule) {
  return fail(ErrorCode::kBadRequest,
              fmt::format("{} must be an integer from {} to {}", what, rule.min, rule.max));
}

Result<std::int64_t> cost_in_header(const Request& request, const CostRule& rule) {
  const auto text = request.header(rule.name);
  if (!text) return tl::unexpected(text.error());
  if (!*text) return rule.cost;
  const auto cost = parse_digits(**text);
  if (!cost || *cost < rule.min || *cost > rule.max) {
    return refuse(fmt::format("Header {}", header_name(rule.name)), rule);
  }
  return *cost;
}

Result<std::int64_t> cost_in_body(const Request& request, const CostRule& rule) {
  if (!request.json()) return tl::unexpected(request.json().error());
  const auto cost = request.json()->integer(rule.name.c_str());
  if (cost && !*cost) return rule.cost;
  if (!cost || **cost < rule.min || **cost > rule.max) {
    return refuse(fmt::format("\"{}\"", rule.name), rule);
  }
  return **cost;
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
