#include "commands/whose.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "commands/command.h"
#include "identity/address/client_ip.h"
#include "identity/address/nat64.h"
#include "routes.h"

namespace sluice::commands {
namespace {

using limiter::CallerLimit;
using limits::Fact;
using limits::kIdentityFailure;

Result<identity::Session> verified(const config::Loaded& config, const Whose& whose,
                                   TimePoint now) {
  auto secrets = config.deployment.secrets.read();
  if (!secrets) return tl::unexpected(secrets.error());
  auto session = identity::SessionTokens(std::move(*secrets)).verify(whose.session, now);
  if (!session)
    return refuse_flags("--session: not signed with the configured secrets, or expired");
  if (!whose.tenant.empty() && whose.tenant != session->tenant) {
    return refuse_flags(
        fmt::format("--session: belongs to {}, not to {}", session->tenant, whose.tenant));
  }
  return session;
}

// Adds the key of this id to `identity`, which has the tenant if that is known already.
Result<identity::Identity> with_api_key(const config::Loaded& config, const std::string& id,
                                        identity::Identity identity) {
  if (!config.policy.identity.api_keys)
    return refuse_flags("--api-key: the config has no api_keys.file");
  const identity::ApiKey* const key = config.policy.identity.api_keys->find_id(id);
  // What it says is not repeated: it may be a key, and this goes to a log.
  if (!key) {
    return refuse_flags(
        "--api-key: no key has this id (the id, not the key); sluice key list shows them");
  }
  if (!identity.tenant.empty() && identity.tenant != key->tenant) {
    return refuse_flags(
        fmt::format("--api-key: belongs to {}, not to {}", key->tenant, identity.tenant));
  }
  identity.tenant = key->tenant;
  identity.api_key = key->id;
  identity.user = key->user;
  return identity;
}

// A client of this tenant, session, API key and address, as the resolver would know it.
Result<identity::Identity> identify(const config::Loaded& config, const Whose& whose,
                                    TimePoint now) {
  identity::Identity identity;
  identity.tenant = whose.tenant;
  if (!whose.session.empty()) {
    auto session = verified(config, whose, now);
    if (!session) return tl::unexpected(session.error());
    identity.tenant = std::move(session->tenant);
    identity.session = session->id;
  }
  if (!whose.api_key.empty()) {
    auto with_key = with_api_key(config, whose.api_key, std::move(identity));
    if (!with_key) return with_key;
    identity = std::move(*with_key);
  }
  if (!identity.tenant.empty() && !config.policy.plans->has_tenant(identity.tenant)) {
    return refuse_flags(fmt::format("--tenant: the config has no \"{}\"", identity.tenant));
  }
  if (!whose.address.empty()) {
    const auto address = identity::parse_address(whose.address);
    if (!address) return refuse_flags(fmt::format("--ip: \"{}\" is no address", whose.address));
    const auto v4 = identity::v4_in(*address, config.policy.identity.nat64_prefixes);
    identity.address =
        identity::canonical_address(v4 ? v4 : address, config.policy.identity.ipv6_prefix);
  }
  if (identity.tenant.empty() && identity.address.empty()) {
    return refuse_flags("say whose: --tenant, --session, --api-key or --ip");
  }
  const bool has_both = !identity.tenant.empty() && !identity.address.empty();
  identity.standing = has_both                  ? Standing::kPartial
                      : identity.tenant.empty() ? Standing::kAnonymous
                                                : Standing::kKnown;
  return identity;
}

Result<std::vector<std::string_view>> chosen_routes(const std::string& route) {
  auto routes = route_names();
  routes.push_back(kIdentityFailure);
  if (route.empty()) return routes;
  const auto found = std::find(routes.begin(), routes.end(), route);
  if (found == routes.end()) {
    return refuse_flags(
        fmt::format("--route: \"{}\" is none of {}", route, fmt::join(routes, ", ")));
  }
  return std::vector{*found};
}

// What of the identity the bucket's key would lack; empty if nothing. A request that lacks it is
// counted with its address, but it is not such requests that an operator asks about.
std::string_view missing_for(const CallerLimit& one, const identity::Identity& identity) {
  for (const limits::ScopePart& part : one.limit->scope.parts) {
    if (part.fact == Fact::kTenant && identity.tenant.empty()) return "--tenant";
    if (part.fact == Fact::kSession && !identity.session && identity.user.empty()) {
      return "--session";
    }
    if (part.fact == Fact::kIp && identity.address.empty()) return "--ip";
    const bool of_key = part.fact == Fact::kApiKey || part.fact == Fact::kUser;
    if (of_key && identity.api_key.empty()) return "--api-key";
    if (part.fact == Fact::kHeader) return "a header";
    if (part.fact == Fact::kFact) return "a fact of nginx";
    if (part.fact == Fact::kRoute && one.route == kIdentityFailure) return "a route";
  }
  return "";
}

}  // namespace

bool Buckets::keeps(const limits::Limit& limit) const {
  if (with_shared) return false;
  if (limit.scope.parts.empty()) return true;
  const bool tenant_alone =
      identity.standing == Standing::kKnown && !identity.session && identity.api_key.empty();
  constexpr std::array kOwn{Fact::kSession, Fact::kIp, Fact::kApiKey, Fact::kUser};
  return !tenant_alone &&
         std::none_of(kOwn.begin(), kOwn.end(), [&](Fact fact) { return limit.scope.has(fact); });
}

Result<Buckets> find_buckets(const config::Loaded& config, const Whose& whose, TimePoint now) {
  auto identity = identify(config, whose, now);
  if (!identity) return tl::unexpected(identity.error());
  const auto routes = chosen_routes(whose.route);
  if (!routes) return tl::unexpected(routes.error());
  Buckets buckets{std::move(*identity), {}, {}, whose.shared};
  for (CallerLimit& one : limiter::caller_limits(*config.policy.plans, buckets.identity, *routes)) {
    const std::string_view missing = missing_for(one, buckets.identity);
    if (missing.empty()) {
      buckets.limits.push_back(std::move(one));
    } else {
      buckets.skipped.push_back({std::move(one), missing});
    }
  }
  return buckets;
}

}  // namespace sluice::commands
