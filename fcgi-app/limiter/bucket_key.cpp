#include "limiter/bucket_key.h"

namespace sluice::limiter {
namespace {

void append_hex(std::string& key, const SessionId& id) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (const std::uint8_t byte : id) {
    key += kDigits[byte >> 4U];
    key += kDigits[byte & 15U];
  }
}

}  // namespace

std::string bucket_key(std::string_view prefix, const limits::Limit& limit,
                       const identity::Identity& identity) {
  using limits::Scope;
  const bool per_address = limit.scope == Scope::kIp;
  std::string key;
  key.reserve(128);
  key.append(prefix).append(":v1:{");
  if (!limit.tenant.empty()) {
    key.append(limit.tenant);
  } else {
    key.append("@").append(per_address ? identity.address : std::string());
  }
  key.append("}:").append(limit.name).append(":");
  key.append(limits::to_name<Scope>(limits::kScopeNames, limit.scope));
  if (limit.scope == Scope::kSession) {
    key.append(":");
    append_hex(key, *identity.session);
  } else if (per_address && !limit.tenant.empty()) {
    key.append(":").append(identity.address);
  }
  return key;
}

}  // namespace sluice::limiter
