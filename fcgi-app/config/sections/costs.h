// The section `costs`: how many units one request of a route costs.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "config/document/reader.h"
#include "config/sections/plans.h"
#include "http/cost.h"
#include "limits/plan.h"

namespace sluice::config {

// The cost that a route of the section `routes` says: a number.
struct RouteCost {
  std::string route;
  Value cost;
};

// What the section says, and the routes themselves do. Complains also of a cost that some limit of
// `plans` never lets pass; warns if that is so only of the largest cost that a request may name,
// and of a unit that no limit of the route counts. It does none of that after complaints of others,
// as `plans` may be wrong then.
// Of a route that is not one of `own` nobody sees the body.
[[nodiscard]] http::CostRules read_costs(const std::optional<Value>& list,
                                         std::span<const RouteCost> of_routes, Words own,
                                         Words routes_known, const limits::Plans& plans);

// Warns of a limit that counts what no request on its routes costs.
void warn_of_units(std::span<const UnitOfLimit> units, const http::CostRules& costs);

// Every key that the section knows, as in "costs.route".
[[nodiscard]] std::vector<std::string> cost_keys();

}  // namespace sluice::config
