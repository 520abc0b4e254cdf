// Which limits a request falls under: plans, tenants and the defaults of everybody else.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/ids.h"
#include "limits/charge.h"

namespace sluice::limits {

// A limit and the routes on which it applies.
struct PlanLimit {
  Limit limit;
  std::vector<std::string> routes;  // of the table of routes, kIdentityFailure or kEveryRoute

  [[nodiscard]] bool applies_to(std::string_view route) const;
};

// The name under which `defaults` list what a rejected identity is charged to.
inline constexpr std::string_view kIdentityFailure = "identity_failure";

// Stands for all routes, and never for kIdentityFailure.
inline constexpr std::string_view kEveryRoute = "*";

// The limits of one request; each outlives it, and there are at most kMaxLimits of them.
using LimitSet = std::vector<const Limit*>;

// An immutable snapshot of what the config says; replaced as a whole, never changed.
class Plans {
 public:
  // A tenant's limits: its plan's, with its own figures where it has any, and then its own.
  using TenantLimits = std::map<std::string, std::vector<PlanLimit>, std::less<>>;

  Plans(std::vector<PlanLimit> defaults, TenantLimits tenants);
  Plans(const Plans&) = delete;
  Plans& operator=(const Plans&) = delete;
  ~Plans() = default;

  // The limits of a request on `route`:
  //   kKnown      its tenant's;
  //   kPartial    the defaults, and its tenant's besides;
  //   kAnonymous  the defaults;
  //   kExempt     none;
  //   kRejected   the defaults of kIdentityFailure.
  // An unknown tenant has none of its own.
  [[nodiscard]] LimitSet limits_for(std::string_view tenant, std::string_view route,
                                    Standing standing) const;

  // The limit of that name: of a tenant, or, where `tenant` is empty, of the defaults. nullptr:
  // none.
  [[nodiscard]] const Limit* find(std::string_view tenant, std::string_view name) const;

  [[nodiscard]] bool has_tenant(std::string_view tenant) const;
  [[nodiscard]] std::span<const PlanLimit> defaults() const { return defaults_; }
  [[nodiscard]] const TenantLimits& tenants() const { return tenants_; }

 private:
  std::vector<PlanLimit> defaults_;
  TenantLimits tenants_;
  // The same, found by hash: a request is looked up here.
  std::unordered_map<std::string_view, std::span<const PlanLimit>> by_tenant_;
};

}  // namespace sluice::limits
