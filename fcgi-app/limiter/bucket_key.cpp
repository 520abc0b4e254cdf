#include "limiter/bucket_key.h"

#include <algorithm>

#include "base/append.h"

namespace sluice::limiter {
namespace {

using identity::Identity;
using limits::Fact;
using limits::Limit;

constexpr std::string_view kLayout = ":v3:{";
constexpr std::size_t kUsualKey = 128;            // for which memory is taken once
constexpr std::size_t kNetworkText = 2 + 48 / 4;  // "6:" and hex digits

void append_named(std::string& key, const std::map<std::string, std::string, std::less<>>& values,
                  std::string_view name) {
  const auto found = values.find(name);
  if (found != values.end()) key += found->second;
}

// Appends the value of a fact; nothing where the request has none.
void append_value(std::string& key, const limits::ScopePart& part, const Identity& identity,
                  std::string_view route) {
  switch (part.fact) {
    case Fact::kTenant:
      key += identity.tenant;
      break;
    case Fact::kSession:
      if (identity.session) {
        append_hex(key, *identity.session);
      } else if (!identity.user.empty()) {
        key.append("user:").append(identity.user);
      }
      break;
    case Fact::kIp:
      key += identity.address;
      break;
    case Fact::kApiKey:
      key += identity.api_key;
      break;
    case Fact::kUser:
      key += identity.user;
      break;
    case Fact::kHeader:
      append_named(key, identity.headers, part.name);
      break;
    case Fact::kFact:
      append_named(key, identity.facts, part.name);
      break;
    case Fact::kRoute:
      key += route;
      break;
  }
}

bool has_value(const limits::ScopePart& part, const Identity& identity, std::string_view route) {
  std::string value;
  append_value(value, part, identity, route);
  return !value.empty();
}

std::string stem(const KeySpace& space, std::string_view tag, std::string_view more = "") {
  std::string key;
  key.reserve(kUsualKey);
  key.append(space.prefix).append(kLayout).append(tag).append(more).append("}:");
  return key;
}

std::string tenant_stem(const KeySpace& space, std::string_view tenant) {
  const std::string_view tag = space.tags.of_tenant(tenant);
  std::string key = stem(space, tag);
  if (tag != tenant) key.append(tenant).append(":");
  return key;
}

bool is_global(const limits::PlanLimit& listed) {
  return listed.limit.scope.parts.empty();
}

}  // namespace

Tags::Tags(const limits::Plans& plans) {
  const auto& defaults = plans.defaults();
  addresses_share_ = std::any_of(defaults.begin(), defaults.end(), [](const auto& listed) {
    return !listed.limit.scope.has(Fact::kIp);
  });
  for (const auto& [tenant, listed] : plans.tenants()) {
    const auto global = std::find_if(listed.begin(), listed.end(), is_global);
    if (global != listed.end()) plans_.emplace_back(tenant, "@" + global->limit.plan);
  }
}

std::string_view Tags::of_tenant(std::string_view tenant) const {
  const auto found =
      std::lower_bound(plans_.begin(), plans_.end(), tenant,
                       [](const auto& one, std::string_view name) { return one.first < name; });
  return found != plans_.end() && found->first == tenant ? found->second : tenant;
}

std::string_view Tags::of_address(std::string_view address) const {
  return addresses_share_ ? "" : address;
}

std::string bucket_key(const KeySpace& space, const Limit& limit, const Identity& identity,
                       std::string_view route) {
  const bool is_default = limit.tenant.empty();
  if (limit.scope.parts.empty()) {
    std::string key = stem(space, is_default ? "@" : space.tags.of_tenant(limit.tenant));
    if (!limit.plan.empty()) key.append(limit.plan).append(":");
    key.append(limit.name).append(":global");
    return key;
  }
  std::string key;
  bool says_address = false;
  if (is_default) {
    const std::string_view address =
        limit.scope.has(Fact::kIp) ? space.tags.of_address(identity.address) : "";
    says_address = !address.empty();
    key = stem(space, "@", address);
  } else {
    key = tenant_stem(space, limit.tenant);
  }
  key.append(limit.name);
  for (const limits::ScopePart& part : limit.scope.parts) {
    key.append(":").append(limits::to_name<Fact>(limits::kFactNames, part.fact));
    if (is_named(part.fact)) key.append(":").append(part.name);
    if (part.fact == Fact::kTenant && !is_default) continue;
    if (part.fact == Fact::kIp && says_address) continue;
    const std::size_t before = key.append(":").size();
    append_value(key, part, identity, route);
    if (key.size() == before) key.append("@").append(identity.address);
  }
  return key;
}

bool counts_address(const Limit& limit, const Identity& identity, std::string_view route) {
  const auto& parts = limit.scope.parts;
  return std::any_of(parts.begin(), parts.end(), [&](const limits::ScopePart& part) {
    return part.fact == Fact::kIp || !has_value(part, identity, route);
  });
}

std::string_view network_of(std::string_view address) {
  return address.starts_with("6:") ? address.substr(0, kNetworkText) : address;
}

std::string crowd_name(const Limit& limit, std::string_view network) {
  std::string name = limit.tenant.empty() ? "@" : limit.tenant;
  name.append(":").append(limit.name);
  if (!network.empty()) name.append(":").append(network);
  return name;
}

std::string shared_key(const KeySpace& space, const Limit& limit, std::string_view crowd) {
  return stem(space, limit.tenant.empty() ? "@" : space.tags.of_tenant(limit.tenant))
      .append("@shared:")
      .append(crowd);
}

std::string reservation_key(const KeySpace& space, std::string_view tag, std::string_view id) {
  return stem(space, tag).append("@reserved:").append(id);
}

std::string reservation_place_key(const KeySpace& space, std::string_view id) {
  return stem(space, "@r:", id).append("@reserved");
}

std::string_view tag_in(std::string_view key) {
  const std::size_t first = key.find('{') + 1;
  return key.substr(first, key.find('}') - first);
}

std::string tenant_key(const KeySpace& space, std::string_view tenant, std::string_view name,
                       std::string_view rest) {
  std::string key = tenant_stem(space, tenant);
  key.append(name).append(":").append(rest);
  return key;
}

std::string session_key(const KeySpace& space, std::string_view name, const Identity& identity) {
  std::string key = tenant_key(space, identity.tenant, name, "");
  append_value(key, {Fact::kSession, ""}, identity, "");
  return key;
}

std::string address_key(const KeySpace& space, std::string_view name, const Identity& identity) {
  const std::string_view address = space.tags.of_address(identity.address);
  std::string key = stem(space, "@", address).append(name);
  if (address.empty()) key.append(":").append(identity.address);
  return key;
}

}  // namespace sluice::limiter
