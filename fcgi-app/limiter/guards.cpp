#include "limiter/guards.h"

#include <algorithm>

#include "limiter/bucket_key.h"

namespace sluice::limiter {

using limits::Fact;
using limits::Guard;
using limits::Limit;

std::vector<Guard> Guards::guards_of(const Limit& limit, const identity::Identity& identity,
                                     std::string_view route) {
  const auto& parts = limit.scope.parts;
  const bool varies = std::any_of(parts.begin(), parts.end(), [](const limits::ScopePart& part) {
    return part.fact != Fact::kTenant && part.fact != Fact::kRoute;
  });
  std::vector<Guard> guards;
  if (!varies) return guards;
  if (options_.per_tenant > 0) guards.push_back(guard(per_tenant_, options_.per_tenant, limit, ""));
  const std::string_view network = network_of(identity.address);
  const bool many_addresses = network.size() < identity.address.size();
  const bool many_values =
      limit.scope.has(Fact::kHeader) || (limit.scope.has(Fact::kSession) && identity.session);
  if (options_.per_network > 0 &&
      (many_values || (many_addresses && counts_address(limit, identity, route)))) {
    guards.push_back(guard(per_network_, options_.per_network, limit, network));
  }
  return guards;
}

Guard Guards::guard(Limits& limits, std::int64_t quota, const Limit& limit,
                    std::string_view network) const {
  const Duration window = std::min(limit.lifetime(), limits::kMaxWindow);
  const auto [found, is_new] = limits.try_emplace(window);
  if (is_new) {
    const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(window).count();
    found->second.name = "guard";
    found->second.rate = {quota, {milliseconds, limits::Unit::kMillisecond}};
  }
  GuardKeys keys = guard_keys(key_prefix_, limit, network);
  return {std::move(keys.opened), &found->second, std::move(keys.shared)};
}

}  // namespace sluice::limiter
