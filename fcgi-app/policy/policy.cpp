#include "policy/policy.h"

#include <utility>

namespace sluice::policy {
namespace {

identity::Resolver::Tenants tenants_of(const limits::Plans& plans) {
  identity::Resolver::Tenants tenants;
  for (const auto& [tenant, limits] : plans.tenants()) tenants.insert(tenant);
  return tenants;
}

}  // namespace

limiter::Limiter::Options limiter_options(const Rules& rules, std::string key_prefix) {
  return {.keys = {.prefix = std::move(key_prefix), .tags = limiter::Tags(*rules.plans)},
          .newcomers = rules.newcomers,
          .penalty = rules.penalty};
}

Policy::Policy(Rules rules, std::int64_t generation, const Ground& ground)
    : generation_(generation),
      plans_(rules.plans),
      costs_(std::move(rules.costs)),
      session_lifetime_(rules.session_lifetime),
      identities_(ground.tokens, ground.clock, tenants_of(*plans_), std::move(rules.identity)),
      limiter_(std::make_unique<limiter::Limiter>(ground.store, ground.clock, ground.newcomers,
                                                  limiter_options(rules, ground.key_prefix),
                                                  ground.log)),
      pages_{status_page(ground.about, generation, *plans_, rules.most_tenants, "down"),
             status_page(ground.about, generation, *plans_, rules.most_tenants, "up")} {}

}  // namespace sluice::policy
