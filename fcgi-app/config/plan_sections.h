// The sections `defaults`, `plans` and `tenants`.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/limit_entry.h"
#include "limits/plan.h"

namespace sluice::config {

struct PlanSections {
  std::optional<Value> defaults;
  std::optional<Value> plans;
  std::optional<Value> tenants;
};

// What the sections say; of use only if their report is empty afterwards.
[[nodiscard]] std::shared_ptr<const limits::Plans> read_plans(const PlanSections& sections,
                                                              Words routes_known);

// Every key that the sections know, as in "plans.limits.rate".
[[nodiscard]] std::vector<std::string> plan_section_keys();

}  // namespace sluice::config
