#include "config/sections/costs.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "config/sections/limit_entry.h"
#include "limits/limit.h"

namespace sluice::config {
namespace {

using http::CostRule;

constexpr std::string_view kBodyPrefix = "body:";
constexpr std::string_view kHeaderPrefix = "header:";
constexpr std::size_t kMaxNameLength = 64;
constexpr std::int64_t kMostSettled = 86400;

// Where the costs stand that a route has, by unit.
using CostPlaces = std::map<std::pair<std::string, std::string>, Place>;

struct CostDraft {
  Words routes_known;

  std::string route = {};
  std::optional<Value> routed = std::nullopt;
  std::optional<Value> from = std::nullopt;
  std::optional<Value> cost_at = std::nullopt;
  std::optional<Value> bound = std::nullopt;  // min or max, whichever stands first
  std::optional<Value> max_at = std::nullopt;
  std::optional<Value> settle_at = std::nullopt;
  std::optional<Value> united = std::nullopt;  // the setting of the unit
  bool sound = true;                           // whether every number could be read
  CostRule rule = {};
};

void read_route(const Value& value, CostDraft& draft) {
  const auto route = value.text();
  if (!route) return;
  draft.route = *route;
  draft.routed = value;
  const Words known = draft.routes_known;
  if (std::find(known.begin(), known.end(), *route) == known.end()) {
    value.complain(fmt::format("unknown route \"{}\"; use {}", *route, alternatives(known)));
  }
}

void check_new(const Value& element, const CostDraft& draft, CostPlaces& places) {
  const Value& at = draft.routed.value_or(element);
  const auto [earlier, is_new] =
      places.emplace(std::pair(draft.route, draft.rule.unit), at.place());
  if (is_new) return;
  at.complain(fmt::format("duplicate cost of route \"{}\" in {}; the first is at {}", draft.route,
                          limits::unit_name(draft.rule.unit), at.report().text(earlier->second)));
}

// Whoever settles says one number, so it can be of one unit only.
void check_settled(const CostDraft& draft, const std::vector<CostRule>& rules) {
  if (!draft.settle_at) return;
  const auto other = std::find_if(rules.begin(), rules.end(), [](const CostRule& rule) {
    return rule.settle_within > Duration::zero();
  });
  if (other == rules.end()) return;
  draft.settle_at->complain(fmt::format("the {} of route \"{}\" are settled; remove one of the two",
                                        limits::unit_name(other->unit), draft.route));
}

// nginx asks about a gated request without its body.
void check_body(const CostDraft& draft, Words own) {
  if (draft.rule.source != CostRule::Source::kBody || !draft.from) return;
  if (own.empty() || std::find(own.begin(), own.end(), draft.route) != own.end()) return;
  draft.from->complain(fmt::format(
      "the body of route \"{}\" is not seen at the gate; use header:NAME", draft.route));
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

void read_settled(const Value& value, CostDraft& draft) {
  draft.settle_at = value;
  const auto seconds = value.integer(1, kMostSettled);
  draft.rule.settle_within = std::chrono::seconds(seconds.value_or(0));
}

constexpr std::array<Key<CostDraft>, 7> kCostKeys{{
    {"route", read_route, true},
    {"unit",
     [](const Value& value, CostDraft& draft) {
       draft.united = value;
       read_unit(value, draft.rule.unit);
     }},
    {"settle_s", read_settled},
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

// The first limit that the draft is charged to and `holds` is true of.
template <class Predicate>
const limits::Limit* find_charged(const CostDraft& draft, const limits::Plans& plans,
                                  Predicate holds) {
  const auto find = [&](std::span<const limits::PlanLimit> list) -> const limits::Limit* {
    const auto found = std::find_if(list.begin(), list.end(), [&](const auto& candidate) {
      const limits::Limit& limit = candidate.limit;
      return candidate.applies_to(draft.route) && limit.unit == draft.rule.unit && holds(limit);
    });
    return found == list.end() ? nullptr : &found->limit;
  };
  if (const limits::Limit* limit = find(plans.defaults())) return limit;
  for (const auto& [tenant, list] : plans.tenants()) {
    if (const limits::Limit* limit = find(list)) return limit;
  }
  return nullptr;
}

// A limit that never has room for `cost` units. A limit with quota 0 does not count: it is meant to
// let nothing pass.
const limits::Limit* never_allowing(std::int64_t cost, const CostDraft& draft,
                                    const limits::Plans& plans) {
  return find_charged(draft, plans, [&](const limits::Limit& limit) {
    return limit.mode == limits::Mode::kEnforce && limit.quota() > 0 &&
           limit.terms().capacity < cost;
  });
}

// Warns of units that nobody counts.
void warn_of_unit(const CostDraft& draft, const limits::Plans& plans) {
  if (!draft.united || find_charged(draft, plans, [](const auto&) { return true; })) return;
  draft.united->warn(fmt::format("no limit of route \"{}\" counts {}, so they are free",
                                 draft.route, limits::unit_name(draft.rule.unit)));
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
  const limits::Limit* const limit = draft.from ? never_allowing(most, draft, plans) : nullptr;
  if (!limit) return;
  draft.max_at.value_or(element).warn(
      fmt::format("\"max\" of {}{} on route \"{}\" can never pass: {}; a request that "
                  "names so much is always denied",
                  most, draft.max_at ? "" : " (the default)", draft.route, described(*limit)));
}

// Complains if some limit never lets the least cost pass.
void check_room(const Value& element, const CostDraft& draft, const limits::Plans& plans) {
  const std::int64_t least = draft.from ? draft.rule.min : draft.rule.cost;
  const limits::Limit* const limit = never_allowing(least, draft, plans);
  if (!limit) return warn_of_max(element, draft, plans);
  element.complain(fmt::format("{} of {} on route \"{}\" never passes: {}",
                               draft.from ? "\"min\"" : "\"cost\"", least, draft.route,
                               described(*limit)));
}

}  // namespace

http::CostRules read_costs(const std::optional<Value>& list, std::span<const RouteCost> of_routes,
                           Words own, Words routes_known, const limits::Plans& plans) {
  http::CostRules costs;
  CostPlaces places;
  const auto add = [&](const Value& at, CostDraft& draft, bool has_plans) {
    check(at, draft);
    check_new(at, draft, places);
    if (has_plans) warn_of_unit(draft, plans);
    if (has_plans && draft.sound) check_room(at, draft, plans);
    std::vector<CostRule>& rules = costs[draft.route];
    check_settled(draft, rules);
    rules.push_back(draft.rule);
  };
  for (const RouteCost& of_route : of_routes) {
    const bool has_plans = of_route.cost.report().empty();
    CostDraft draft{routes_known};
    draft.route = of_route.route;
    draft.cost_at = of_route.cost;
    read_units(of_route.cost, draft, draft.rule.cost);
    add(of_route.cost, draft, has_plans);
  }
  const auto elements = list ? list->elements() : std::nullopt;
  if (!elements) return costs;
  const bool has_plans = list->report().empty();
  for (const Value& element : *elements) {
    CostDraft draft{routes_known};
    read_group<CostDraft>(element, kCostKeys, draft);
    check_body(draft, own);
    add(element, draft, has_plans);
  }
  return costs;
}

void warn_of_units(std::span<const UnitOfLimit> units, const http::CostRules& costs) {
  for (const auto& [value, limit] : units) {
    const std::string& unit = limit.limit.unit;
    const auto charges = [&](const auto& of_route) {
      const auto& [route, rules] = of_route;
      return limit.applies_to(route) &&
             std::any_of(rules.begin(), rules.end(),
                         [&](const CostRule& rule) { return rule.unit == unit; });
    };
    if (unit.empty() || std::any_of(costs.begin(), costs.end(), charges)) continue;
    value.warn(fmt::format(
        "no request costs {} on the routes of limit \"{}\", so it never denies; add a cost "
        "with unit = \"{}\", or remove the unit",
        unit, limit.limit.name, unit));
  }
}

std::vector<std::string> cost_keys() {
  std::vector<std::string> names;
  append_keys<CostDraft>(names, "costs", kCostKeys);
  return names;
}

}  // namespace sluice::config
