#include "limits/plan.h"

#include <algorithm>

namespace sluice::limits {
namespace {

void add_limits(LimitSet& set, std::span<const PlanLimit> candidates, std::string_view route) {
  for (const PlanLimit& candidate : candidates) {
    if (candidate.applies_to(route) && set.size() < kMaxLimits) set.push_back(&candidate.limit);
  }
}

}  // namespace

bool PlanLimit::applies_to(std::string_view route) const {
  const auto has = [&](std::string_view name) {
    return std::find(routes.begin(), routes.end(), name) != routes.end();
  };
  return has(route) || (route != kIdentityFailure && has(kEveryRoute));
}

Plans::Plans(std::vector<PlanLimit> defaults, TenantLimits tenants)
    : defaults_(std::move(defaults)), tenants_(std::move(tenants)) {
  for (const auto& [tenant, limits] : tenants_) by_tenant_.emplace(tenant, limits);
}

LimitSet Plans::limits_for(std::string_view tenant, std::string_view route,
                           Standing standing) const {
  LimitSet set;
  if (standing == Standing::kExempt) return set;
  if (standing == Standing::kRejected) {
    add_limits(set, defaults_, kIdentityFailure);
    return set;
  }
  if (standing != Standing::kKnown) add_limits(set, defaults_, route);
  if (standing == Standing::kAnonymous) return set;
  if (const auto found = by_tenant_.find(tenant); found != by_tenant_.end()) {
    add_limits(set, found->second, route);
  }
  return set;
}

const Limit* Plans::find(std::string_view tenant, std::string_view name) const {
  std::span<const PlanLimit> list = defaults_;
  if (!tenant.empty()) {
    const auto own = by_tenant_.find(tenant);
    list = own == by_tenant_.end() ? std::span<const PlanLimit>() : own->second;
  }
  const auto found = std::find_if(
      list.begin(), list.end(), [&](const PlanLimit& listed) { return listed.limit.name == name; });
  return found == list.end() ? nullptr : &found->limit;
}

bool Plans::has_tenant(std::string_view tenant) const {
  return by_tenant_.contains(tenant);
}

}  // namespace sluice::limits
