#include "limiter/bucket_key.h"

#include <algorithm>

namespace sluice::limiter {
namespace {

using identity::Identity;
using limits::Fact;
using limits::Limit;

std::string hex(const SessionId& id) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : id) {
    text += kDigits[byte >> 4U];
    text += kDigits[byte & 15U];
  }
  return text;
}

std::string tag(const Limit& limit, const Identity& identity) {
  if (limit.scope.parts.empty()) return "@";
  if (!limit.tenant.empty()) return limit.tenant;
  return limit.scope.has(Fact::kIp) ? "@" + identity.address : "@";
}

constexpr std::string_view kLayout = ":v2:{";
constexpr std::size_t kNetworkText = 2 + 48 / 4;  // "6:" and hex digits

// The value of a fact; empty where the request has none.
std::string value(const limits::ScopePart& part, const Identity& identity, std::string_view route) {
  switch (part.fact) {
    case Fact::kTenant:
      return identity.tenant;
    case Fact::kSession:
      if (identity.session) return hex(*identity.session);
      return identity.user.empty() ? "" : "user:" + identity.user;
    case Fact::kIp:
      return identity.address;
    case Fact::kApiKey:
      return identity.api_key;
    case Fact::kUser:
      return identity.user;
    case Fact::kHeader: {
      const auto found = identity.headers.find(part.header);
      return found == identity.headers.end() ? "" : found->second;
    }
    case Fact::kRoute:
      return std::string(route);
  }
  return "";
}

// Whether the tag has said it.
bool is_in_tag(Fact fact, const Limit& limit) {
  return fact == (limit.tenant.empty() ? Fact::kIp : Fact::kTenant);
}

}  // namespace

std::string bucket_key(std::string_view prefix, const Limit& limit, const Identity& identity,
                       std::string_view route) {
  std::string key;
  key.reserve(128);
  key.append(prefix).append(kLayout).append(tag(limit, identity)).append("}:");
  if (limit.scope.parts.empty()) {
    if (!limit.plan.empty()) key.append(limit.plan).append(":");
    return key.append(limit.name).append(":global");
  }
  key.append(limit.name);
  for (const limits::ScopePart& part : limit.scope.parts) {
    key.append(":").append(limits::to_name<Fact>(limits::kFactNames, part.fact));
    if (part.fact == Fact::kHeader) key.append(":").append(part.header);
    if (is_in_tag(part.fact, limit)) continue;
    const std::string shown = value(part, identity, route);
    key.append(":").append(shown.empty() ? "@" + identity.address : shown);
  }
  return key;
}

bool counts_address(const Limit& limit, const Identity& identity, std::string_view route) {
  const auto& parts = limit.scope.parts;
  return std::any_of(parts.begin(), parts.end(), [&](const limits::ScopePart& part) {
    return part.fact == Fact::kIp || value(part, identity, route).empty();
  });
}

std::string_view network_of(std::string_view address) {
  return address.starts_with("6:") ? address.substr(0, kNetworkText) : address;
}

GuardKeys guard_keys(std::string_view prefix, const Limit& limit, std::string_view network) {
  std::string stem(prefix);
  stem.append(kLayout).append(limit.tenant.empty() ? "@" : limit.tenant).append("}:");
  stem.append(limit.name);
  std::string tail;
  if (!network.empty()) tail.append(":").append(network);
  return {stem + ":opened" + tail, stem + ":shared" + tail};
}

std::string session_key(std::string_view prefix, std::string_view name, const Identity& identity) {
  std::string key(prefix);
  key.append(kLayout).append(identity.tenant).append("}:").append(name).append(":session:");
  return key.append(value({Fact::kSession, ""}, identity, ""));
}

std::string address_key(std::string_view prefix, std::string_view name, const Identity& identity) {
  std::string key(prefix);
  return key.append(kLayout)
      .append("@")
      .append(identity.address)
      .append("}:")
      .append(name)
      .append(":ip");
}

}  // namespace sluice::limiter
