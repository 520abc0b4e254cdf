#include "config/sections/plans.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <set>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "base/ids.h"
#include "config/sections/limit_entries.h"

namespace sluice::config {
namespace {

struct PlanDraft {
  Words routes_known;
  Names& names;
  std::string id = {};
  LimitEntries limits = {};
};

constexpr std::array<Key<PlanDraft>, 2> kPlanKeys{{
    {"id", [](const Value& value, PlanDraft& draft) { read_name(value, draft.names, draft.id); },
     true},
    {"limits",
     [](const Value& value, PlanDraft& draft) {
       draft.limits = read_plan_limits(value, draft.routes_known);
     },
     true},
}};

struct TenantDraft {
  Names& names;
  std::string id = {};
  std::optional<Value> plan = std::nullopt;
  std::optional<Value> limits = std::nullopt;
};

// Limits refer to the plan, which may stand after them in the file. So both are read later.
constexpr std::array<Key<TenantDraft>, 3> kKeysOfTenant{{
    {"id", [](const Value& value, TenantDraft& draft) { read_name(value, draft.names, draft.id); },
     true},
    {"plan", [](const Value& value, TenantDraft& draft) { draft.plan = value; }},
    {"limits", [](const Value& value, TenantDraft& draft) { draft.limits = value; }},
}};

// A route with more limits than a request may be charged to.
struct Crowd {
  std::string_view route;
  std::size_t defaults;
  std::size_t others;  // the limits of a plan or a tenant
};

class PlansReader {
 public:
  PlansReader(Words routes_known, const PlanSections& sections)
      : routes_known_(routes_known),
        has_api_keys_(sections.has_api_keys),
        has_all_plans_(sections.has_all_plans) {}

  // Of everybody, and of those routes that list their own.
  void read_defaults(const PlanSections& sections) {
    std::optional<Value> at = sections.defaults;
    Names names{"limit"};
    if (at) defaults_ = config::read_defaults(*at, routes_known_, names);
    for (const RouteLimits& of_route : sections.of_routes) {
      if (!at) at = of_route.list;
      auto limits = read_route_limits(of_route.list, of_route.route, names);
      std::move(limits.begin(), limits.end(), std::back_inserter(defaults_));
    }
    check_default_names(defaults_);
    note_units(defaults_);
    if (const auto crowd = most_crowded({}); crowd && at) {
      at->complain(fmt::format("route \"{}\" has {} defaults; at most {} are allowed", crowd->route,
                               crowd->defaults, limits::kMaxLimits));
    }
  }

  void read_plans(const Value& list) {
    const auto elements = list.elements();
    if (!elements) return;
    Names names{"plan"};
    for (const Value& element : *elements) {
      PlanDraft draft{routes_known_, names};
      read_group(element, kPlanKeys, draft);
      check_count(element, fmt::format("plan \"{}\"", draft.id), draft.limits);
      for (LimitEntry& entry : draft.limits) {
        check_scope(entry);
        entry.limit.limit.plan = draft.id;
      }
      note_units(draft.limits);
      plans_.emplace(draft.id, std::move(draft.limits));
    }
  }

  void read_default_plan(const Value& name) {
    default_plan_ = find_plan(name);
    has_default_plan_ = true;
  }

  void read_tenants(const Value& list) {
    const auto elements = list.elements();
    if (!elements) return;
    Names names{"tenant"};
    for (const Value& element : *elements) {
      TenantDraft draft{names};
      read_group(element, kKeysOfTenant, draft);
      if (!draft.plan && !has_default_plan_ && has_all_plans_) {
        element.complain("missing key \"plan\", or set \"default_plan\"");
      }
      add_tenant(element, draft);
    }
  }

  [[nodiscard]] ReadPlans plans() const {
    return {std::make_shared<const limits::Plans>(expand(defaults_), tenants_), units_};
  }

 private:
  // The route on which `others` and the defaults are too many together: a caller who is known only
  // in part is charged to both.
  [[nodiscard]] std::optional<Crowd> most_crowded(const LimitEntries& others) const {
    Crowd most{{}, 0, 0};
    const auto look = [&](std::string_view route) {
      const Crowd here{route, count_on(defaults_, route), count_on(others, route)};
      if (here.others == 0 && !others.empty()) return;
      if (here.defaults + here.others > most.defaults + most.others) most = here;
    };
    for (const std::string_view route : routes_known_) look(route);
    look(limits::kIdentityFailure);
    if (most.defaults + most.others <= limits::kMaxLimits) return std::nullopt;
    return most;
  }

  void check_count(const Value& at, std::string_view owner, const LimitEntries& list) const {
    const auto crowd = most_crowded(list);
    // Too many defaults alone have been reported already.
    if (!crowd || crowd->others == 0) return;
    at.complain(fmt::format(
        "{} has {} limits on route \"{}\", and defaults have {}; together at most {} are allowed",
        owner, crowd->others, crowd->route, crowd->defaults, limits::kMaxLimits));
  }

  // Without API keys such a limit would count every caller by its address.
  void check_scope(const LimitEntry& entry) const {
    const limits::Scope& scope = entry.limit.limit.scope;
    if (has_api_keys_ || !entry.scoped) return;
    if (!scope.has(limits::Fact::kApiKey) && !scope.has(limits::Fact::kUser)) return;
    entry.scoped->complain(fmt::format("scope \"{}\" needs api_keys.file", scope.text()));
  }

  void note_units(std::span<const LimitEntry> list) {
    for (const LimitEntry& entry : list) {
      if (entry.united) units_.push_back({*entry.united, entry.limit});
    }
  }

  // nullptr, after a complaint, if there is no such plan.
  [[nodiscard]] const LimitEntries* find_plan(const Value& value) const {
    const auto name = value.text();
    if (!name) return nullptr;
    if (const auto found = plans_.find(*name); found != plans_.end()) return &found->second;
    if (!has_all_plans_) {
      if (!is_valid_id(*name)) {
        value.complain(fmt::format("invalid plan name \"{}\"; use {}", *name, kIdRule));
      }
      return nullptr;
    }
    std::vector<std::string_view> known;
    for (const auto& entry : plans_) known.push_back(entry.first);
    value.complain(fmt::format("no plan is named \"{}\"{}", *name, hint(*name, known)));
    return nullptr;
  }

  void add_tenant(const Value& tenant, const TenantDraft& draft) {
    const LimitEntries* const plan = draft.plan ? find_plan(*draft.plan) : default_plan_;
    LimitEntries list = plan ? *plan : LimitEntries();
    if (draft.limits) {
      read_tenant_limits(*draft.limits, routes_known_, plan ? &list : nullptr);
      if (plan && !most_crowded(*plan)) {
        check_count(tenant, fmt::format("tenant \"{}\"", draft.id), list);
      }
    }
    for (LimitEntry& entry : list) {
      check_scope(entry);
      entry.limit.limit.tenant = draft.id;
    }
    note_units(std::span(list).subspan(plan ? plan->size() : 0));
    tenants_.emplace(draft.id, expand(list));
  }

  Words routes_known_;
  bool has_api_keys_;
  bool has_all_plans_;
  LimitEntries defaults_;
  std::map<std::string, LimitEntries, std::less<>> plans_;
  bool has_default_plan_ = false;
  const LimitEntries* default_plan_ = nullptr;  // of plans_
  limits::Plans::TenantLimits tenants_;
  std::vector<UnitOfLimit> units_;
};

}  // namespace

ReadPlans read_plans(const PlanSections& sections, Words routes_known) {
  PlansReader reader(routes_known, sections);
  reader.read_defaults(sections);
  if (sections.plans) reader.read_plans(*sections.plans);
  if (sections.default_plan) reader.read_default_plan(*sections.default_plan);
  if (sections.tenants) reader.read_tenants(*sections.tenants);
  return reader.plans();
}

std::vector<std::string> counted_names(const limits::Plans& plans, limits::Fact fact) {
  std::set<std::string> names;
  const auto add = [&](std::span<const limits::PlanLimit> list) {
    for (const limits::PlanLimit& limit : list) {
      for (const limits::ScopePart& part : limit.limit.scope.parts) {
        if (part.fact == fact) names.insert(part.name);
      }
    }
  };
  add(plans.defaults());
  for (const auto& [tenant, list] : plans.tenants()) add(list);
  return {names.begin(), names.end()};
}

std::vector<std::string> plan_section_keys() {
  std::vector<std::string> names{"default_plan"};
  append_keys<LimitDraft>(names, "defaults", limit_keys());
  append_keys<PlanDraft>(names, "plans", kPlanKeys);
  append_keys<LimitDraft>(names, "plans.limits", limit_keys());
  append_keys<TenantDraft>(names, "tenants", kKeysOfTenant);
  append_keys<LimitDraft>(names, "tenants.limits", tenant_keys());
  return names;
}

}  // namespace sluice::config
