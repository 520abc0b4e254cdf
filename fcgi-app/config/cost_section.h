// The section `costs`: how many units one request of a route costs.
#pragma once

#include <string>
#include <vector>

#include "config/reader.h"
#include "http/cost.h"

namespace sluice::config {

[[nodiscard]] http::CostRules read_costs(const Value& list, Words routes_known);

// Every key that the section knows, as in "costs.route".
[[nodiscard]] std::vector<std::string> cost_keys();

}  // namespace sluice::config
