// From a request to an Identity. CPU only: no I/O.
//
// Who is on a list of Options::access:
//   deny    an address, or a tenant whose session or API key is verified: refused, before any
//           store is asked, and nobody is charged. It goes before exempt.
//   exempt  an address, or a tenant so verified: no limit applies. A tenant's id
//           alone proves nothing and exempts nobody. A false claim from an exempt address is
//           answered as any, and charged to nobody.
// Lists look at the client's exact address, as counting does, whatever part of it is counted per.
// An address under a NAT64 prefix is counted as the IPv4 address in it, and is on the lists of
// both.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/string_set.h"
#include "http/request.h"
#include "identity/address/access.h"
#include "identity/address/nat64.h"
#include "identity/credentials/api_key.h"
#include "identity/credentials/session_token.h"
#include "identity/identity.h"

namespace sluice::identity {

class Resolver {
 public:
  using Tenants = StringSet;

  struct Options {
    int ipv6_prefix = 64;  // 8 to 128: how much of an IPv6 address is one client
    // Whose addresses have an IPv4 address in them that is meant. Empty: nobody's.
    Nat64Prefixes nat64_prefixes = well_known_nat64_prefixes();
    // Whose X-Forwarded-For is believed (identity/address/forwarded.h). Nobody's: the peer is the
    // client.
    std::vector<Network> trusted_proxies;
    Access access;
    // The valid API keys. nullptr: X-API-Key and Authorization are not looked at, what they hold
    // is meant for others.
    std::shared_ptr<const ApiKeys> api_keys = nullptr;
    // In lower case: those that some limit's scope counts per.
    std::vector<std::string> headers = {};
    std::vector<std::string> facts = {};
  };

  // `tokens` and `clock` outlive the resolver.
  Resolver(const SessionTokens& tokens, const Clock& clock, Tenants tenants, Options options);

  // Who sends `request`, to a route that asks for `wanted`. What is wrong with it is the identity's
  // rejection, and is charged:
  //   - a claim that proves false (unknown tenant; forged, expired or foreign session; unknown or
  //     foreign API key, which is looked at before the session) to the address alone, never to the
  //     victim;
  //   - a request that cannot be understood (too many headers, or one that is shown twice; a body
  //     that is too large, encoded or unreadable; headers and body that disagree; two API keys) to
  //     the address, and to the session or key that is proved by what can be read. A claim in it
  //     that can be read and is false goes before.
  // At the gate, nginx's facts "tenant" and "user" are as good as an API key: it has verified them,
  // or shown that anybody may say so. A tenant that the config does not have is none.
  // Error: kForbidden, for who is on the deny list.
  [[nodiscard]] Result<Identity> resolve(const http::Request& request, Credentials wanted) const;

  // The headers that resolve() looks at for a gate, in the form of a Vary field.
  [[nodiscard]] const std::string& headers_at_gate() const { return headers_at_gate_; }

  // Whether the client's address is in one of `networks`; one under a NAT64 prefix by either of its
  // two.
  [[nodiscard]] bool is_from(const http::Request& request, std::span<const Network> networks) const;

  // Makes of the identity what it would have been, had its session not verified: it is revoked.
  void reject_revoked(const http::Request& request, Identity& identity) const;

 private:
  // A header or fact that is counted per: as config and as gateway call it.
  struct Counted {
    std::string name;
    std::string cgi_name;
  };

  // An address as it is shown, nullopt for what is none; and the IPv4 address in it, if any.
  struct Client {
    std::optional<Address> shown;
    std::optional<Address> v4;
  };

  [[nodiscard]] Client client_of(const http::Request& request) const;
  // Each sets `fault` to the first thing that cannot be understood, if there is none yet.
  using Fault = std::optional<Error>;
  [[nodiscard]] Identity resolve_shown(const http::Request& request, const Client& client,
                                       Fault& fault) const;
  void resolve_tenant(const http::Request& request, Identity& identity, Fault& fault) const;
  void resolve_claims(const http::Request& request, Credentials wanted, Identity& identity,
                      Fault& fault) const;
  void resolve_gated(const http::Request& request, Identity& identity, Fault& fault) const;
  void resolve_key(std::string_view key, Identity& identity) const;
  [[nodiscard]] static bool has_client(const AccessList& list, const Client& client);
  [[nodiscard]] static bool is_on(const AccessList& list, const Client& client,
                                  const Identity& identity);

  const SessionTokens& tokens_;
  const Clock& clock_;
  Tenants tenants_;
  Options options_;
  std::vector<Counted> headers_;
  std::vector<Counted> facts_;
  std::string headers_at_gate_ = "X-Session-ID";  // and what the config has read besides
};

}  // namespace sluice::identity
