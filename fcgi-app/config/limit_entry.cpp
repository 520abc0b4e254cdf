#include "config/limit_entry.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/ids.h"
#include "limits/rate.h"

namespace sluice::config {
namespace {

void read_limit_name(const Value& value, LimitDraft& draft) {
  draft.named = value;
  read_name(value, draft.names, draft.name);
}

void read_rate(const Value& value, LimitDraft& draft) {
  const auto text = value.text();
  if (!text) return;
  const auto rate = limits::parse_rate(*text);
  if (!rate) return value.complain(fmt::format("rate {}", rate.error().detail));
  draft.rate = *rate;
}

void read_algorithm(const Value& value, LimitDraft& draft) {
  draft.algorithm = value.word<limits::Algorithm>(limits::kAlgorithmNames);
}

void read_on_store_error(const Value& value, LimitDraft& draft) {
  draft.on_store_error = value.word<limits::OnStoreError>(limits::kOnStoreErrorNames);
}

void read_scope(const Value& value, LimitDraft& draft) {
  const auto text = value.text();
  if (!text) return;
  const auto scope = limits::parse_scope(*text);
  if (!scope) return value.complain(fmt::format("scope {}", scope.error().detail));
  draft.scope = *scope;
  if (draft.is_default &&
      (scope->has(limits::Fact::kTenant) || scope->has(limits::Fact::kSession))) {
    // Defaults are for callers of whom nothing is known but what they send.
    value.complain(fmt::format("scope \"{}\" in defaults; use ip or global", *text));
  }
}

void read_routes(const Value& value, LimitDraft& draft) {
  const auto elements = value.elements();
  if (!elements) return;
  if (elements->empty()) value.complain("\"routes\" is empty; name one route or more");
  for (const Value& element : *elements) {
    const auto route = element.text();
    if (!route) continue;
    const Words known = draft.routes_known;
    if (*route == limits::kIdentityFailure) {
      if (!draft.is_default) element.complain(fmt::format("\"{}\" is for defaults only", *route));
    } else if (std::find(known.begin(), known.end(), *route) == known.end()) {
      element.complain(fmt::format("unknown route \"{}\"; use {}", *route, alternatives(known)));
    }
    draft.routes.push_back(*route);
  }
}

constexpr std::array<Key<LimitDraft>, 6> kLimitKeys{{
    {"name", read_limit_name, true},
    {"rate", read_rate, true},
    {"algorithm", read_algorithm},
    {"on_store_error", read_on_store_error},
    {"routes", read_routes, true},
    {"scope", read_scope, true},
}};
constexpr std::array<Key<LimitDraft>, 4> kOverrideKeys{{
    {"name", read_limit_name, true},
    {"rate", read_rate},
    {"algorithm", read_algorithm},
    {"on_store_error", read_on_store_error},
}};

}  // namespace

void read_name(const Value& value, Names& names, std::string& name) {
  const auto text = value.text();
  if (!text) return;
  name = *text;
  if (!is_valid_id(name)) {
    return value.complain(fmt::format(
        "invalid {} name \"{}\"; use up to {} of a-z, 0-9, _ and -, a letter or digit first",
        names.kind, name, kMaxIdLength));
  }
  const auto [earlier, is_new] = names.first.emplace(name, value.place());
  if (!is_new) {
    value.complain(fmt::format("duplicate {} \"{}\"; the first is at {}", names.kind, name,
                               value.report().text(earlier->second)));
  }
}

void LimitDraft::apply_to(limits::Limit& limit) const {
  if (rate) limit.rate = *rate;
  if (algorithm) limit.algorithm = *algorithm;
  if (on_store_error) limit.on_store_error = *on_store_error;
}

limits::PlanLimit LimitDraft::plan_limit() const {
  limits::PlanLimit result;
  result.limit.name = name;
  result.limit.scope = scope;
  result.routes = routes;
  apply_to(result.limit);
  return result;
}

Keys<LimitDraft> limit_keys() {
  return kLimitKeys;
}

Keys<LimitDraft> override_keys() {
  return kOverrideKeys;
}

}  // namespace sluice::config
