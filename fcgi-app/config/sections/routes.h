// The section `routes`: the routes of the applications behind a gate.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/document/reader.h"
#include "config/sections/costs.h"
#include "config/sections/plans.h"
#include "policy/route_table.h"

namespace sluice::config {

struct RouteSection {
  std::vector<policy::GatedRoute> routes;
  // What is read with the sections `defaults` and `costs`, as it is of the same kind.
  std::vector<RouteLimits> limits;
  std::vector<RouteCost> costs;
};

// What the section says. Complains of names that `taken`, the routes of our own API, has.
[[nodiscard]] RouteSection read_routes(const Value& list, Words taken);

// Every key that the section knows, as in "routes.match" and "routes.limits.rate".
[[nodiscard]] std::vector<std::string> route_section_keys();

}  // namespace sluice::config
