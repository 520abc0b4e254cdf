// A list of limits as the file writes it: of `defaults` or a plan, and what a tenant changes in it
// and adds to it.
#pragma once

#include <string_view>
#include <vector>

#include "config/sections/limit_entry.h"
#include "limits/plan.h"

namespace sluice::config {

using LimitEntries = std::vector<LimitEntry>;

// Reads the list of `defaults`. `names` are those that its limits have.
[[nodiscard]] LimitEntries read_defaults(const Value& list, Words routes_known, Names& names);

// Reads the list of a route: more defaults, which apply to it alone.
[[nodiscard]] LimitEntries read_route_limits(const Value& list, const std::string& route,
                                             Names& names);
// Complains of defaults whose rates make names that are too long, or that others have.
void check_default_names(const LimitEntries& defaults);

// Reads the list of a plan.
[[nodiscard]] LimitEntries read_plan_limits(const Value& list, Words routes_known);

// Reads a tenant's `list` into `limits`, which are a copy of its plan's. An entry with a name of
// the plan's changes that limit; any other entry is a limit of the tenant's own, written as in a
// plan. nullptr if the plan is not known: then the list is only checked.
void read_tenant_limits(const Value& list, Words routes_known, LimitEntries* limits);

// The limits themselves. An entry with several rates makes several limits, in the order written.
// The first has the entry's name, the next are NAME-2, NAME-3 and so on. A name does not tell the
// rate, so that a rate may change and its bucket stay.
[[nodiscard]] std::vector<limits::PlanLimit> expand(const LimitEntries& list);

// How many limits of `list` apply to `route`.
[[nodiscard]] std::size_t count_on(const LimitEntries& list, std::string_view route);

}  // namespace sluice::config
