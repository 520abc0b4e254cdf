// From a request to an Identity. CPU only: no I/O.
#pragma once

#include <set>
#include <string>

#include "base/clock.h"
#include "http/request.h"
#include "identity/identity.h"
#include "identity/session_token.h"

namespace sluice::identity {

class Resolver {
 public:
  using Tenants = std::set<std::string, std::less<>>;

  struct Options {
    int ipv6_prefix = 64;  // 8 to 128: how much of an IPv6 address is one client
  };

  // `tokens` and `clock` outlive the resolver.
  Resolver(const SessionTokens& tokens, const Clock& clock, Tenants tenants, Options options)
      : tokens_(tokens), clock_(clock), tenants_(std::move(tenants)), options_(options) {}

  // Who sends `request`, to a route that asks for `wanted`. A claim that proves false (unknown
  // tenant; forged, expired or foreign session) is an Identity all the same, with a rejection: it
  // is charged to the address, never to the victim. Error: kBadRequest, for a request that cannot
  // be understood or whose headers and body disagree.
  [[nodiscard]] Result<Identity> resolve(const http::Request& request, Credentials wanted) const;

 private:
  [[nodiscard]] Result<Identity> resolve_session(const http::Request& request,
                                                 Identity identity) const;

  const SessionTokens& tokens_;
  const Clock& clock_;
  Tenants tenants_;
  Options options_;
};

}  // namespace sluice::identity
