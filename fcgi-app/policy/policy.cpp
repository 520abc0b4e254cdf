#include "policy/policy.h"

#include <algorithm>
#include <utility>

#include "limits/handed_over.h"

namespace sluice::policy {
namespace {

identity::Resolver::Tenants tenants_of(const limits::Plans& plans) {
  identity::Resolver::Tenants tenants;
  for (const auto& [tenant, limits] : plans.tenants()) tenants.insert(tenant);
  return tenants;
}

}  // namespace

limiter::Limiter::Options limiter_options(const Options& options, std::string key_prefix) {
  return {.keys = {.prefix = std::move(key_prefix), .tags = limiter::Tags(*options.plans)},
          .newcomers = options.newcomers,
          .penalty = options.penalty};
}

Metrics::Metrics() : allow(identity::loopback()) {}

Settle::Settle() : allow(identity::loopback()) {}

Policy::Policy(Options options, std::int64_t generation, const Ground& ground)
    : generation_(generation),
      plans_(options.plans),
      costs_(std::move(options.costs)),
      routes_(std::move(options.routes)),
      limited_(ground.routes),
      unmatched_(options.unmatched),
      handed_over_(options.handed_over),
      metrics_(std::move(options.metrics)),
      settle_(std::move(options.settle)),
      cors_(std::move(options.cors)),
      denial_log_(options.denial_log),
      session_lifetime_(options.session_lifetime),
      has_api_keys_(options.identity.api_keys && options.identity.api_keys->size() > 0),
      identities_(ground.tokens, ground.clock, tenants_of(*plans_), std::move(options.identity)),
      limiter_(std::make_unique<limiter::Limiter>(ground.store, ground.clock, ground.newcomers,
                                                  limiter_options(options, ground.key_prefix),
                                                  ground.log)),
      pages_{status_page(ground.about, generation, *plans_, options.most_tenants, "down"),
             status_page(ground.about, generation, *plans_, options.most_tenants, "up")} {
  for (const GatedRoute& route : routes_.routes()) limited_.push_back(route.name);
}

limits::Decision Policy::handed_over(const http::Request& request, std::string_view route,
                                     const identity::Identity& identity,
                                     const limits::LimitSet& limits) const {
  const bool stands = handed_over_ == HandedOver::kTrust && !request.is_gated;
  if (!stands || request.handed_over.empty()) return {};
  return limits::take_over(request.handed_over, identity.who(route), limits);
}

bool Policy::moves_keys_of(const Policy& old) const {
  const limiter::Tags& tags = limiter_->tags();
  const limiter::Tags& before = old.limiter_->tags();
  const auto& tenants = plans_->tenants();
  return tags.of_address("@") != before.of_address("@") ||
         std::any_of(tenants.begin(), tenants.end(), [&](const auto& entry) {
           return old.plans_->has_tenant(entry.first) &&
                  tags.of_tenant(entry.first) != before.of_tenant(entry.first);
         });
}

}  // namespace sluice::policy
