#include "identity/resolver.h"

#include <fmt/format.h>

#include "identity/client_ip.h"
#include "identity/fingerprint.h"
#include "identity/forwarded.h"

namespace sluice::identity {
namespace {

constexpr std::string_view kForwardedFor = "HTTP_X_FORWARDED_FOR";

// Where a claim may stand.
struct Place {
  std::string_view header;
  const char* member;  // of the body; nullptr: in the header alone
};

struct Claim {
  std::optional<std::string_view> value;
  bool complete = false;  // said wherever it may be said
};

Result<Claim> claim(const http::Request& request, const Place& place) {
  auto in_header = request.header(place.header);
  if (!in_header) return tl::unexpected(in_header.error());
  if (!place.member) return Claim{*in_header, in_header->has_value()};
  auto in_body = request.json()->string(place.member);
  if (!in_body) return tl::unexpected(in_body.error());
  const bool both = *in_header && *in_body;
  if (both && **in_header != **in_body) {
    return fail(ErrorCode::kBadRequest,
                fmt::format("\"{}\" in the body differs from the header", place.member));
  }
  return Claim{*in_header ? *in_header : *in_body, both};
}

Result<std::optional<std::string_view>> shown_key(const http::Request& request, bool looked_at) {
  if (!looked_at) return std::optional<std::string_view>();
  return api_key_of(request);
}

Identity rejected(Identity identity, ErrorCode why) {
  identity.api_key.clear();  // beside a false claim a true one counts for nothing
  identity.user.clear();
  identity.standing = Standing::kRejected;
  identity.rejection = Error{why};
  return identity;
}

}  // namespace

Resolver::Resolver(const SessionTokens& tokens, const Clock& clock, Tenants tenants,
                   Options options)
    : tokens_(tokens), clock_(clock), tenants_(std::move(tenants)), options_(std::move(options)) {
  for (const std::string& name : options_.headers) headers_.push_back({name, http::cgi_name(name)});
}

Result<Identity> Resolver::resolve(const http::Request& request, Credentials wanted) const {
  std::string forwarded;
  const std::string_view client = client_of(request, forwarded);
  if (options_.access.deny.has_address(client)) return fail(ErrorCode::kForbidden);
  auto identity = resolve_shown(request, client);
  if (identity && wanted == Credentials::kTenant) {
    identity = resolve_tenant(request, std::move(*identity));
  } else if (identity && wanted != Credentials::kNone) {
    identity = resolve_claims(request, wanted, std::move(*identity));
  }
  if (!identity) return identity;
  if (is_on(options_.access.deny, client, *identity)) return fail(ErrorCode::kForbidden);
  if (is_on(options_.access.exempt, client, *identity)) identity->standing = Standing::kExempt;
  return identity;
}

void Resolver::reject_revoked(const http::Request& request, Identity& identity) const {
  identity.session.reset();
  identity = rejected(std::move(identity), ErrorCode::kInvalidSession);
  std::string forwarded;
  if (is_on(options_.access.exempt, client_of(request, forwarded), identity)) {
    identity.standing = Standing::kExempt;
  }
}

// The client's address. Where that is a hop, `forwarded` holds it.
std::string_view Resolver::client_of(const http::Request& request, std::string& forwarded) const {
  if (!options_.trusted_proxies.empty()) forwarded = request.list_header(kForwardedFor);
  return client_address(request.remote_address, forwarded, options_.trusted_proxies);
}

// What is taken as it is.
Result<Identity> Resolver::resolve_shown(const http::Request& request,
                                         std::string_view client) const {
  Identity identity;
  identity.address = canonical_address(client, options_.ipv6_prefix);
  for (const CountedHeader& header : headers_) {
    const auto value = request.text_header(header.cgi_name);
    if (!value) return tl::unexpected(value.error());
    if (*value) identity.headers.emplace(header.name, fingerprint(**value));
  }
  return identity;
}

// A tenant that exists proves nothing; one that does not is a false claim.
Result<Identity> Resolver::resolve_tenant(const http::Request& request, Identity identity) const {
  if (!request.json()) return tl::unexpected(request.json().error());
  const auto tenant = request.json()->string("tenant_id");
  if (!tenant) return tl::unexpected(tenant.error());
  if (*tenant && !tenants_.contains(**tenant)) {
    return rejected(std::move(identity), ErrorCode::kUnknownTenant);
  }
  return identity;
}

Result<Identity> Resolver::resolve_claims(const http::Request& request, Credentials wanted,
                                          Identity identity) const {
  const bool has_body = wanted == Credentials::kSession;
  if (has_body && !request.json()) return tl::unexpected(request.json().error());
  const auto tenant = claim(request, {"HTTP_X_TENANT_ID", has_body ? "tenant_id" : nullptr});
  if (!tenant) return tl::unexpected(tenant.error());
  const auto token = claim(request, {"HTTP_X_SESSION_ID", has_body ? "session_id" : nullptr});
  if (!token) return tl::unexpected(token.error());
  const auto key = shown_key(request, options_.api_keys != nullptr);
  if (!key) return tl::unexpected(key.error());

  if (tenant->value) {
    if (!tenants_.contains(*tenant->value)) {
      return rejected(std::move(identity), ErrorCode::kUnknownTenant);
    }
    identity.tenant = *tenant->value;
  }
  if (*key) {
    identity = resolve_key(**key, std::move(identity));
    if (identity.rejection) return identity;
  }
  if (!token->value) return identity;  // without a key nothing is proved: the address counts

  identity.token = *token->value;
  auto session = tokens_.verify(identity.token, clock_.now());
  if (!session) return rejected(std::move(identity), session.error().code);
  if (!identity.tenant.empty() && session->tenant != identity.tenant) {
    return rejected(std::move(identity), ErrorCode::kForeignSession);
  }
  if (!tenants_.contains(session->tenant)) {
    return rejected(std::move(identity), ErrorCode::kUnknownTenant);
  }
  identity.tenant = std::move(session->tenant);
  identity.session = session->id;
  identity.session_expires_at = session->expires_at;
  const bool is_known = *key || (tenant->complete && token->complete);
  identity.standing = is_known ? Standing::kKnown : Standing::kPartial;
  return identity;
}

// `identity` has the tenant that is claimed, if any. A key is proof enough without that, and
// without a session.
Identity Resolver::resolve_key(std::string_view key, Identity identity) const {
  const ApiKey* const found = options_.api_keys->find(key);
  if (!found) return rejected(std::move(identity), ErrorCode::kInvalidApiKey);
  if (!identity.tenant.empty() && identity.tenant != found->tenant) {
    return rejected(std::move(identity), ErrorCode::kForeignApiKey);
  }
  if (!tenants_.contains(found->tenant)) {
    return rejected(std::move(identity), ErrorCode::kUnknownTenant);
  }
  identity.tenant = found->tenant;
  identity.api_key = found->id;
  identity.user = found->user;
  identity.standing = Standing::kKnown;
  return identity;
}

bool Resolver::is_on(const AccessList& list, std::string_view client, const Identity& identity) {
  return list.has_address(client) ||
         ((identity.session || !identity.api_key.empty()) && list.has_tenant(identity.tenant));
}

}  // namespace sluice::identity
