// A list of limits, as `defaults` and plans have them, and what a tenant changes of it
// and adds to it.
#pragma once

#include <string_view>
#include <vector>

#include "config/sections/limit_entry.h"
#include "limits/plan.h"

namespace sluice::config {

using LimitEntries = std::vector<LimitEntry>;

[[nodiscard]] LimitEntries read_limits(const Value& list, Words routes_known, bool is_default);

// Changes what a tenant's `list` names of its plan's `limits`, and adds what else it has: limits of
// its own, as a plan would write them. Without a plan, `limits` are nullptr, and no name is
// unknown.
void read_tenant_limits(const Value& list, Words routes_known, LimitEntries* limits);

// The limits themselves. An entry with several rates is as many limits, in the order written: the
// first keeps the name, the next are NAME-2, NAME-3 and so on. So a figure may change, and its
// bucket stays the same.
[[nodiscard]] std::vector<limits::PlanLimit> expand(const LimitEntries& list);

// How many limits of `list` apply to `route`.
[[nodiscard]] std::size_t count_on(const LimitEntries& list, std::string_view route);

}  // namespace sluice::config
