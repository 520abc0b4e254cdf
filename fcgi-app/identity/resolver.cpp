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

Identity rejected(Identity identity, ErrorCode why) {
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
  const std::string forwarded =
      options_.trusted_proxies.empty() ? std::string() : request.list_header(kForwardedFor);
  const std::string_view client =
      client_address(request.remote_address, forwarded, options_.trusted_proxies);
  if (options_.access.deny.has_address(client)) return fail(ErrorCode::kForbidden);
  auto identity = resolve_shown(request, client);
  if (identity && wanted != Credentials::kNone) {
    identity = resolve_session(request, wanted, std::move(*identity));
  }
  if (!identity) return identity;
  if (is_on(options_.access.deny, client, *identity)) return fail(ErrorCode::kForbidden);
  if (is_on(options_.access.exempt, client, *identity)) identity->standing = Standing::kExempt;
  return identity;
}

// What needs no proof.
Result<Identity> Resolver::resolve_shown(const http::Request& request,
                                         std::string_view client) const {
  Identity identity;
  identity.address = canonical_address(client, options_.ipv6_prefix);
  if (options_.api_keys) {
    auto key = api_key_of(request);
    if (!key) return tl::unexpected(key.error());
    identity.api_key = std::move(*key);
  }
  for (const CountedHeader& header : headers_) {
    const auto value = request.text_header(header.cgi_name);
    if (!value) return tl::unexpected(value.error());
    if (*value) identity.headers.emplace(header.name, fingerprint(**value));
  }
  return identity;
}

Result<Identity> Resolver::resolve_session(const http::Request& request, Credentials wanted,
                                           Identity identity) const {
  const bool has_body = wanted == Credentials::kSession;
  if (has_body && !request.json()) return tl::unexpected(request.json().error());
  const auto tenant = claim(request, {"HTTP_X_TENANT_ID", has_body ? "tenant_id" : nullptr});
  if (!tenant) return tl::unexpected(tenant.error());
  const auto token = claim(request, {"HTTP_X_SESSION_ID", has_body ? "session_id" : nullptr});
  if (!token) return tl::unexpected(token.error());

  if (tenant->value) {
    if (!tenants_.contains(*tenant->value)) {
      return rejected(std::move(identity), ErrorCode::kUnknownTenant);
    }
    identity.tenant = *tenant->value;
  }
  if (!token->value) return identity;  // nothing proved: the address counts

  identity.token = *token->value;
  auto session = tokens_.verify(identity.token, clock_.now());
  if (!session) return rejected(std::move(identity), session.error().code);
  if (tenant->value && session->tenant != *tenant->value) {
    return rejected(std::move(identity), ErrorCode::kForeignSession);
  }
  if (!tenants_.contains(session->tenant)) {
    return rejected(std::move(identity), ErrorCode::kUnknownTenant);
  }
  identity.tenant = std::move(session->tenant);
  identity.session = session->id;
  identity.standing = tenant->complete && token->complete ? Standing::kKnown : Standing::kPartial;
  return identity;
}

bool Resolver::is_on(const AccessList& list, std::string_view client, const Identity& identity) {
  return list.has_address(client) || (identity.session && list.has_tenant(identity.tenant));
}

}  // namespace sluice::identity
