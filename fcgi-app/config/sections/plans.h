// The sections `defaults`, `plans` and `tenants`, and `default_plan`.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/document/reader.h"
#include "limits/plan.h"

namespace sluice::config {

struct PlanSections {
  std::optional<Value> defaults;
  std::optional<Value> plans;
  std::optional<Value> default_plan;
  std::optional<Value> tenants;
  bool has_api_keys = false;  // whether there is a section `api_keys`
};

// What the sections say. Use it only if the report of their values is empty afterwards.
[[nodiscard]] std::shared_ptr<const limits::Plans> read_plans(const PlanSections& sections,
                                                              Words routes_known);

// The headers whose values limits count by: in lower case, each once.
[[nodiscard]] std::vector<std::string> counted_headers(const limits::Plans& plans);

// Every key that the sections know, as in "plans.limits.rate".
[[nodiscard]] std::vector<std::string> plan_section_keys();

}  // namespace sluice::config
