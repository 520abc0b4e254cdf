// The section `costs`: how many units one request of a route costs.
#pragma once

#include <string>
#include <vector>

#include "config/document/reader.h"
#include "http/cost.h"
#include "limits/plan.h"

namespace sluice::config {

// Complains, besides, of costs that some limit of `plans` can never let pass, and warns where that
// is so of the largest that a request may name; of none where there were complaints before, since
// `plans` are of no use then.
[[nodiscard]] http::CostRules read_costs(const Value& list, Words routes_known,
                                         const limits::Plans& plans);

// Every key that the section knows, as in "costs.route".
[[nodiscard]] std::vector<std::string> cost_keys();

}  // namespace sluice::config
