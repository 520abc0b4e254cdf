#include "identity/resolver.h"

#include <algorithm>

#include <fmt/format.h>

#include "identity/address/client_ip.h"
#include "identity/address/forwarded.h"
#include "identity/credentials/fingerprint.h"

namespace sluice::identity {
namespace {

constexpr std::string_view kForwardedFor = "HTTP_X_FORWARDED_FOR";
constexpr std::string_view kSessionHeader = "HTTP_X_SESSION_ID";
constexpr std::string_view kTenantFact = "SLUICE_FACT_TENANT";
constexpr std::string_view kUserFact = "SLUICE_FACT_USER";

using Text = std::optional<std::string_view>;

// Where a claim may stand.
struct Place {
  std::string_view header;
  const char* member;  // of the body; nullptr: in the header alone
};

struct Claim {
  Text value;
  bool complete = false;  // said wherever it may be said
};

void note(std::optional<Error>& fault, Error error) {
  if (!fault) fault = std::move(error);
}

// What is shown; what cannot be read says nothing.
Text readable(const Result<Text>& shown, std::optional<Error>& fault) {
  if (shown) return *shown;
  note(fault, shown.error());
  return std::nullopt;
}

Result<Text> member(const http::Request& request, const char* name) {
  if (!request.json()) return tl::unexpected(request.json().error());
  return request.json()->string(name);
}

Claim claim(const http::Request& request, const Place& place, std::optional<Error>& fault) {
  const Text in_header = readable(request.header(place.header), fault);
  if (!place.member) return {in_header, in_header.has_value()};
  const Text in_body = readable(member(request, place.member), fault);
  const bool both = in_header && in_body;
  if (both && *in_header != *in_body) {  // nobody may choose which one counts
    note(fault, {ErrorCode::kBadRequest,
                 fmt::format("\"{}\" in the body differs from the header", place.member)});
    return {};
  }
  return {in_header ? in_header : in_body, both};
}

void reject(Identity& identity, ErrorCode why) {
  identity.api_key.clear();  // beside a false claim a true one counts for nothing
  identity.user.clear();
  identity.standing = Standing::kRejected;
  identity.rejection = Error{why};
}

}  // namespace

Resolver::Resolver(const SessionTokens& tokens, const Clock& clock, Tenants tenants,
                   Options options)
    : tokens_(tokens), clock_(clock), tenants_(std::move(tenants)), options_(std::move(options)) {
  for (const std::string& name : options_.headers) headers_.push_back({name, http::cgi_name(name)});
  for (const std::string& name : options_.facts) facts_.push_back({name, http::fact_param(name)});
  if (options_.api_keys) headers_at_gate_ += ", X-API-Key, Authorization";
  if (!options_.trusted_proxies.empty()) headers_at_gate_ += ", X-Forwarded-For";
  for (const std::string& name : options_.headers) headers_at_gate_.append(", ").append(name);
}

Result<Identity> Resolver::resolve(const http::Request& request, Credentials wanted) const {
  const Client client = client_of(request);
  if (has_client(options_.access.deny, client)) return fail(ErrorCode::kForbidden);
  Fault fault;
  Identity identity = resolve_shown(request, client, fault);
  if (wanted == Credentials::kTenant) {
    resolve_tenant(request, identity, fault);
  } else if (wanted == Credentials::kGate) {
    resolve_gated(request, identity, fault);
  } else if (wanted != Credentials::kNone) {
    resolve_claims(request, wanted, identity, fault);
  }
  if (fault) identity.refuse(std::move(*fault));
  const bool nginx_knows = wanted == Credentials::kGate && identity.standing == Standing::kKnown;
  if (is_on(options_.access.deny, client, identity) ||
      (nginx_knows && options_.access.deny.has_tenant(identity.tenant))) {
    return fail(ErrorCode::kForbidden);
  }
  if (is_on(options_.access.exempt, client, identity)) identity.standing = Standing::kExempt;
  return identity;
}

bool Resolver::is_from(const http::Request& request, std::span<const Network> networks) const {
  const Client client = client_of(request);
  return std::any_of(networks.begin(), networks.end(), [&](const Network& network) {
    return (client.shown && network.matches(*client.shown)) ||
           (client.v4 && network.matches(*client.v4));
  });
}

void Resolver::reject_revoked(const http::Request& request, Identity& identity) const {
  identity.session.reset();
  reject(identity, ErrorCode::kInvalidSession);
  if (is_on(options_.access.exempt, client_of(request), identity)) {
    identity.standing = Standing::kExempt;
  }
}

Resolver::Client Resolver::client_of(const http::Request& request) const {
  std::string_view client = request.remote_address;
  std::string forwarded;
  if (!options_.trusted_proxies.empty()) {
    forwarded = request.list_header(kForwardedFor);
    client = client_address(client, forwarded, options_.trusted_proxies, options_.nat64_prefixes);
  }
  const auto shown = parse_address(client);
  if (!shown) return {};
  return {shown, v4_in(*shown, options_.nat64_prefixes)};
}

// What is taken as it is.
Identity Resolver::resolve_shown(const http::Request& request, const Client& client,
                                 Fault& fault) const {
  if (request.too_many_params) note(fault, {ErrorCode::kBadRequest, "Too many header fields"});
  if (request.body_too_large) note(fault, {ErrorCode::kBodyTooLarge});
  Identity identity;
  identity.address = canonical_address(client.v4 ? client.v4 : client.shown, options_.ipv6_prefix);
  const auto read = [&](const std::vector<Counted>& list, auto& values) {
    for (const Counted& one : list) {
      const Text value = readable(request.text_header(one.cgi_name), fault);
      if (value) values.emplace(one.name, fingerprint(*value));
    }
  };
  read(headers_, identity.headers);
  read(facts_, identity.facts);
  return identity;
}

// A tenant that exists proves nothing; one that does not is a false claim.
void Resolver::resolve_tenant(const http::Request& request, Identity& identity,
                              Fault& fault) const {
  const Text tenant = readable(member(request, "tenant_id"), fault);
  if (tenant && !tenants_.contains(*tenant)) {
    reject(identity, ErrorCode::kUnknownTenant);
  }
}

void Resolver::resolve_claims(const http::Request& request, Credentials wanted, Identity& identity,
                              Fault& fault) const {
  const bool has_body = wanted == Credentials::kSession;
  const auto tenant = claim(request, {"HTTP_X_TENANT_ID", has_body ? "tenant_id" : nullptr}, fault);
  const auto token = claim(request, {kSessionHeader, has_body ? "session_id" : nullptr}, fault);
  const Text key = options_.api_keys ? readable(api_key_of(request), fault) : std::nullopt;

  if (tenant.value) {
    if (!tenants_.contains(*tenant.value)) {
      return reject(identity, ErrorCode::kUnknownTenant);
    }
    identity.tenant = *tenant.value;
  }
  if (key) {
    resolve_key(*key, identity);
    if (identity.rejection) return;
  }
  if (!token.value) return;  // without a key nothing is proved: the address counts

  identity.token = *token.value;
  auto session = tokens_.verify(identity.token, clock_.now());
  if (!session) return reject(identity, session.error().code);
  if (!identity.tenant.empty() && session->tenant != identity.tenant) {
    return reject(identity, ErrorCode::kForeignSession);
  }
  if (identity.tenant.empty() && !tenants_.contains(session->tenant)) {
    return reject(identity, ErrorCode::kUnknownTenant);
  }
  identity.tenant = std::move(session->tenant);
  identity.session = session->id;
  identity.session_expires_at = session->expires_at;
  const bool is_known = key || (tenant.complete && token.complete);
  identity.standing = is_known ? Standing::kKnown : Standing::kPartial;
}

void Resolver::resolve_gated(const http::Request& request, Identity& identity, Fault& fault) const {
  const Text tenant = readable(request.text_header(kTenantFact), fault);
  const Text user = readable(request.text_header(kUserFact), fault);
  const Text key = options_.api_keys ? api_key_at_gate(request) : std::nullopt;
  const Text token = request.header(kSessionHeader).value_or(std::nullopt);
  if (key) {
    resolve_key(*key, identity);
    if (identity.rejection) return;
  }
  if (tenant && identity.tenant.empty() && tenants_.contains(*tenant)) {
    identity.tenant = *tenant;
    identity.standing = Standing::kKnown;
  }
  if (user && identity.user.empty() && !identity.tenant.empty()) identity.user = fingerprint(*user);
  const auto session = token ? tokens_.verify(*token, clock_.now())
                             : Result<Session>(fail(ErrorCode::kInvalidSession));
  const bool is_own = session && tenants_.contains(session->tenant) &&
                      (identity.tenant.empty() || identity.tenant == session->tenant);
  if (!is_own) return;
  identity.token = *token;
  identity.tenant = session->tenant;
  identity.session = session->id;
  identity.session_expires_at = session->expires_at;
  identity.standing = Standing::kKnown;
}

// `identity` has the tenant that is claimed, if any. A key is proof enough without that, and
// without a session.
void Resolver::resolve_key(std::string_view key, Identity& identity) const {
  const ApiKey* const found = options_.api_keys->find(key);
  if (!found) return reject(identity, ErrorCode::kInvalidApiKey);
  if (!identity.tenant.empty() && identity.tenant != found->tenant) {
    return reject(identity, ErrorCode::kForeignApiKey);
  }
  if (!tenants_.contains(found->tenant)) {
    return reject(identity, ErrorCode::kUnknownTenant);
  }
  identity.tenant = found->tenant;
  identity.api_key = found->id;
  identity.user = found->user;
  identity.standing = Standing::kKnown;
}

bool Resolver::has_client(const AccessList& list, const Client& client) {
  return (client.shown && list.has_address(*client.shown)) ||
         (client.v4 && list.has_address(*client.v4));
}

bool Resolver::is_on(const AccessList& list, const Client& client, const Identity& identity) {
  return has_client(list, client) ||
         ((identity.session || !identity.api_key.empty()) && list.has_tenant(identity.tenant));
}

}  // namespace sluice::identity
