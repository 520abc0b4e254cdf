#include "config/sections/costs.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <span>

#include <fmt/format.h>

#include "limits/limit.h"

namespace sluice::config {
namespace {

using http::CostRule;

constexpr std::string_view kBodyPrefix = "body:";
constexpr std::string_view kHeaderPrefix = "header:";
constexpr std::size_t kMaxNameLength = 64;

struct CostDraft {
  Words routes_known;
  std::map<std::string, Place, std::less<>>& routes;  // those that have a cost, and where it stands

  std::string route = {};
  std::optional<Value> from = std::nullopt;
  std::optional<Value> cost_at = std::nullopt;
  std::optional<Value> bound = std::nullopt;  // min or max, whichever stands first
  std::optional<Value> max_at = std::nullopt;
  bool sound = true;  // whether every number could be read
  CostRule rule = {};
};

void read_route(const Value& value, CostDraft& draft) {
  const auto route = value.text();
  if (!route) return;
  draft.route = *route;
  const Words known = draft.routes_known;
  if (std::find(known.begin(), known.end(), *route) == known.end()) {
    value.complain(fmt::format("unknown route \"{}\"; use {}", *route, alternatives(known)));
  }
  const auto [earlier, is_new] = draft.routes.emplace(*route, value.place());
  if (!is_new) {
    value.complain(fmt::format("duplicate cost of route \"{}\"; the first is at {}", *route,
                               value.report().text(earlier->second)));
  }
}

bool is_name(std::string_view name, std::string_view besides) {
  const auto belongs = [&](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           besides.find(c) != std::string_view::npos;
  };
  return !name.empty() && name.size() <= kMaxNameLength &&
         std::all_of(name.begin(), name.end(), belongs);
}

void read_from(const Value& value, CostDraft& draft) {
  draft.from = value;
  const auto text = value.text();
  if (!text) return;
  const std::string_view from = *text;
  if (from.starts_with(kBodyPrefix) && is_name(from.substr(kBodyPrefix.size()), "_-")) {
    draft.rule.source = CostRule::Source::kBody;
    draft.rule.name = from.substr(kBodyPrefix.size());
  } else if (from.starts_with(kHeaderPrefix) && is_name(from.substr(kHeaderPrefix.size()), "-")) {
    draft.rule.source = CostRule::Source::kHeader;
    draft.rule.name = http::cgi_name(from.substr(kHeaderPrefix.size()));
  } else {
    value.complain(
        fmt::format("\"from\" is \"{}\"; use body:NAME (up to {} letters, digits, _ and -) "
                    "or header:NAME (no _)",
                    from, kMaxNameLength));
  }
}

void read_units(const Value& value, CostDraft& draft, std::int64_t& units) {
  const auto read = value.integer(1, limits::kMaxQuota);
  if (!read) draft.sound = false;
  units = read.value_or(units);
}

void read_bound(const Value& value, CostDraft& draft, std::int64_t& bound) {
  if (!draft.bound) draft.bound = value;
  read_units(value, draft, bound);
}

constexpr std::array<Key<CostDraft>, 5> kCostKeys{{
    {"route", read_route, true},
    {"cost",
     [](const Value& value, CostDraft& draft) {
       draft.cost_at = value;
       read_units(value, draft, draft.rule.cost);
     }},
    {"from", read_from},
    {"min", [](const Value& value, CostDraft& draft) { read_bound(value, draft, draft.rule.min); }},
    {"max",
     [](const Value& value, CostDraft& draft) {
       draft.max_at = value;
       read_bound(value, draft, draft.rule.max);
     }},
}};

// Complains of numbers that do not fit each other.
void check(const Value& element, const CostDraft& draft) {
  const CostRule& rule = draft.rule;
  if (!draft.from && draft.bound) {
    draft.bound->complain(
        fmt::format("\"{}\" is for a cost that the request names; add \"from\" or remove it",
                    draft.bound->name()));
  }
  if (!draft.from || !draft.sound) return;
  if (rule.min > rule.max) {
    draft.bound->complain(fmt::format(
        "\"min\" ({}) is above \"max\" ({}); lower it or raise \"max\"", rule.min, rule.max));
  } else if (rule.cost < rule.min || rule.cost > rule.max) {
    draft.cost_at.value_or(element).complain(
        fmt::format("\"cost\" is {}, but must be from \"min\" ({}) to \"max\" ({})", rule.cost,
                    rule.min, rule.max));
  }
}

// The first limit on `route` that never has room for `cost` units. A limit with quota 0 does not
// count: it is meant to let nothing pass.
const limits::Limit* never_allowing(std::int64_t cost, std::string_view route,
                                    const limits::Plans& plans) {
  const auto find = [&](std::span<const limits::PlanLimit> list) -> const limits::Limit* {
    const auto found = std::find_if(list.begin(), list.end(), [&](const auto& candidate) {
      const limits::Limit& limit = candidate.limit;
      return candidate.applies_to(route) && limit.mode == limits::Mode::kEnforce &&
             limit.quota() > 0 && limit.terms().capacity < cost;
    });
    return found == list.end() ? nullptr : &found->limit;
  };
  if (const limits::Limit* limit = find(plans.defaults())) return limit;
  for (const auto& [tenant, list] : plans.tenants()) {
    if (const limits::Limit* limit = find(list)) return limit;
  }
  return nullptr;
}

std::string described(const limits::Limit& limit) {
  const std::string owner =
      limit.tenant.empty() ? "defaults" : fmt::format("tenant \"{}\"", limit.tenant);
  return fmt::format("limit \"{}\" of {} has room for {}", limit.name, owner,
                     limit.terms().capacity);
}

// Warns if some limit never lets the largest cost pass that a request may name.
void warn_of_max(const Value& element, const CostDraft& draft, const limits::Plans& plans) {
  const std::int64_t most = draft.rule.max;
  const limits::Limit* const limit =
      draft.from ? never_allowing(most, draft.route, plans) : nullptr;
  if (!limit) return;
  draft.max_at.value_or(element).warn(
      fmt::format("\"max\" of {}{} on route \"{}\" can never pass: {}; a request that "
                  "names so much is always denied",
                  most, draft.max_at ? "" : " (the default)", draft.route, described(*limit)));
}

// Complains if some limit never lets the least cost pass.
void check_room(const Value& element, const CostDraft& draft, const limits::Plans& plans) {
  const std::int64_t least = draft.from ? draft.rule.min : draft.rule.cost;
  const limits::Limit* const limit = never_allowing(least, draft.route, plans);
  if (!limit) return warn_of_max(element, draft, plans);
  element.complain(fmt::format("{} of {} on route \"{}\" never passes: {}",
                               draft.from ? "\"min\"" : "\"cost\"", least, draft.route,
                               described(*limit)));
}

}  // namespace

http::CostRules read_costs(const Value& list, Words routes_known, const limits::Plans& plans) {
  http::CostRules costs;
  const auto elements = list.elements();
  if (!elements) return costs;
  const bool has_plans = list.report().empty();
  std::map<std::string, Place, std::less<>> routes;
  for (const Value& element : *elements) {
    CostDraft draft{routes_known, routes};
    read_group<CostDraft>(element, kCostKeys, draft);
    check(element, draft);
    if (has_plans && draft.sound) check_room(element, draft, plans);
    costs.emplace(draft.route, draft.rule);
  }
  return costs;
}

std::vector<std::string> cost_keys() {
  std::vector<std::string> names;
  append_keys<CostDraft>(names, "costs", kCostKeys);
  return names;
}

}  // namespace sluice::config
