// The sections `defaults`, `plans` and `tenants`, and `default_plan`.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/document/reader.h"
#include "limits/plan.h"

namespace sluice::config {

// The limits of a route of the section `routes`.
struct RouteLimits {
  std::string route;
  Value list;
};

struct PlanSections {
  std::optional<Value> defaults;
  std::vector<RouteLimits> of_routes;
  std::optional<Value> plans;
  std::optional<Value> default_plan;
  std::optional<Value> tenants;
  bool has_api_keys = false;  // whether there is a section `api_keys`
  // Whether the plans are all that there are. If not, it is not looked at which one a tenant names,
  // nor what its limits make of the plan's.
  bool has_all_plans = true;
};

// A limit that says what it counts, and where it says so.
// NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): a Value has no default
struct UnitOfLimit {
  Value unit;
  limits::PlanLimit limit;
};

struct ReadPlans {
  std::shared_ptr<const limits::Plans> plans;
  std::vector<UnitOfLimit> units;
};

// What the sections say. Use it only if the report of their values is empty afterwards. If
// `routes_known` is empty, limits may name any route.
[[nodiscard]] ReadPlans read_plans(const PlanSections& sections, Words routes_known);

// The names of the headers, or of nginx's facts, that limits count by: in lower case, each once.
[[nodiscard]] std::vector<std::string> counted_names(const limits::Plans& plans, limits::Fact fact);

// Every key that the sections know, as in "plans.limits.rate".
[[nodiscard]] std::vector<std::string> plan_section_keys();

}  // namespace sluice::config
