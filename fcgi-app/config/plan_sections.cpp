#include "config/plan_sections.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "base/ids.h"

namespace sluice::config {
namespace {

using limits::PlanLimit;

struct PlanDraft {
  Words routes_known;
  Names& names;
  std::string id = {};
  std::vector<PlanLimit> limits = {};
};

std::vector<PlanLimit> read_limits(const Value& list, Words routes_known, bool is_default) {
  std::vector<PlanLimit> limits;
  Names names{"limit"};
  const auto elements = list.elements();
  if (!elements) return limits;
  for (const Value& element : *elements) {
    LimitDraft draft{routes_known, is_default, names};
    read_group(element, limit_keys(), draft);
    limits.push_back(draft.plan_limit());
  }
  return limits;
}

constexpr std::array<Key<PlanDraft>, 2> kPlanKeys{{
    {"id", [](const Value& value, PlanDraft& draft) { read_name(value, draft.names, draft.id); },
     true},
    {"limits",
     [](const Value& value, PlanDraft& draft) {
       draft.limits = read_limits(value, draft.routes_known, false);
     },
     true},
}};

struct TenantDraft {
  Names& names;
  std::string id = {};
  std::optional<Value> plan = std::nullopt;
  std::optional<Value> limits = std::nullopt;
};

// Limits refer to the plan, which the file may name after them: both are read later.
constexpr std::array<Key<TenantDraft>, 3> kTenantKeys{{
    {"id", [](const Value& value, TenantDraft& draft) { read_name(value, draft.names, draft.id); },
     true},
    {"plan", [](const Value& value, TenantDraft& draft) { draft.plan = value; }, true},
    {"limits", [](const Value& value, TenantDraft& draft) { draft.limits = value; }},
}};

class PlansReader {
 public:
  explicit PlansReader(Words routes_known) : routes_known_(routes_known) {}

  void read_defaults(const Value& list) {
    defaults_ = read_limits(list, routes_known_, true);
    for (const auto& [route, count] : limits_per_route(defaults_)) {
      if (count <= limits::kMaxCharges) continue;
      list.complain(fmt::format("{} defaults on route \"{}\"; the most is {}", count, route,
                                limits::kMaxCharges));
    }
  }

  void read_plans(const Value& list) {
    const auto elements = list.elements();
    if (!elements) return;
    Names names{"plan"};
    for (const Value& element : *elements) {
      PlanDraft draft{routes_known_, names};
      read_group(element, kPlanKeys, draft);
      check_count(element, draft);
      plans_.emplace(draft.id, draft.limits);
    }
  }

  void read_tenants(const Value& list) {
    const auto elements = list.elements();
    if (!elements) return;
    Names names{"tenant"};
    for (const Value& element : *elements) {
      TenantDraft draft{names};
      read_group(element, kTenantKeys, draft);
      add_tenant(draft);
    }
  }

  [[nodiscard]] std::shared_ptr<const limits::Plans> plans() const {
    return std::make_shared<const limits::Plans>(defaults_, tenants_);
  }

 private:
  using Counts = std::map<std::string, std::size_t>;

  static Counts limits_per_route(const std::vector<PlanLimit>& limits) {
    Counts counts;
    for (const PlanLimit& limit : limits) {
      for (const std::string& route : std::set(limit.routes.begin(), limit.routes.end())) {
        ++counts[route];
      }
    }
    return counts;
  }

  // A caller who is known in part is charged to the plan and to the defaults, both.
  void check_count(const Value& plan, const PlanDraft& draft) const {
    Counts defaults = limits_per_route(defaults_);
    for (const auto& [route, count] : limits_per_route(draft.limits)) {
      if (count + defaults[route] <= limits::kMaxCharges) continue;
      plan.complain(fmt::format(
          "plan \"{}\" has {} limits on route \"{}\", and defaults have {}; the most is {} in all",
          draft.id, count, route, defaults[route], limits::kMaxCharges));
    }
  }

  void add_tenant(const TenantDraft& draft) {
    std::vector<PlanLimit> limits;
    const auto plan_name = draft.plan ? draft.plan->text() : std::nullopt;
    const auto plan = plan_name ? plans_.find(*plan_name) : plans_.end();
    if (plan != plans_.end()) {
      limits = plan->second;
      for (PlanLimit& limit : limits) limit.limit.tenant = draft.id;
    } else if (plan_name) {
      std::vector<std::string_view> known;
      for (const auto& entry : plans_) known.push_back(entry.first);
      draft.plan->complain(
          fmt::format("no plan is named \"{}\"{}", *plan_name, hint(*plan_name, known)));
    }
    if (draft.limits) override_limits(*draft.limits, limits, plan != plans_.end());
    tenants_.emplace(draft.id, std::move(limits));
  }

  // `plan_known`: whether `limits` are those of the plan, and must know every name.
  void override_limits(const Value& list, std::vector<PlanLimit>& limits, bool plan_known) const {
    const auto elements = list.elements();
    if (!elements) return;
    Names names{"limit"};
    for (const Value& element : *elements) {
      LimitDraft draft{routes_known_, false, names};
      read_group(element, override_keys(), draft);
      const auto found = std::find_if(limits.begin(), limits.end(), [&](const PlanLimit& limit) {
        return limit.limit.name == draft.name;
      });
      if (found != limits.end()) {
        draft.apply_to(found->limit);
      } else if (plan_known && draft.named && is_valid_id(draft.name)) {
        std::vector<std::string_view> known;
        for (const PlanLimit& limit : limits) known.push_back(limit.limit.name);
        draft.named->complain(fmt::format("the tenant's plan has no limit \"{}\"{}", draft.name,
                                          hint(draft.name, known)));
      }
    }
  }

  Words routes_known_;
  std::vector<PlanLimit> defaults_;
  std::map<std::string, std::vector<PlanLimit>, std::less<>> plans_;
  limits::Plans::TenantLimits tenants_;
};

template <class Target>
void append_keys(std::vector<std::string>& names, std::string_view section, Keys<Target> keys) {
  for (const Key<Target>& key : keys) names.push_back(fmt::format("{}.{}", section, key.name));
}

}  // namespace

std::shared_ptr<const limits::Plans> read_plans(const PlanSections& sections, Words routes_known) {
  PlansReader reader(routes_known);
  if (sections.defaults) reader.read_defaults(*sections.defaults);
  if (sections.plans) reader.read_plans(*sections.plans);
  if (sections.tenants) reader.read_tenants(*sections.tenants);
  return reader.plans();
}

std::vector<std::string> plan_section_keys() {
  std::vector<std::string> names;
  append_keys<LimitDraft>(names, "defaults", limit_keys());
  append_keys<PlanDraft>(names, "plans", kPlanKeys);
  append_keys<LimitDraft>(names, "plans.limits", limit_keys());
  append_keys<TenantDraft>(names, "tenants", kTenantKeys);
  append_keys<LimitDraft>(names, "tenants.limits", override_keys());
  return names;
}

}  // namespace sluice::config
