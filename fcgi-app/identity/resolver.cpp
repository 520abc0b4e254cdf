#include "identity/resolver.h"

#include <fmt/format.h>

#include "identity/client_ip.h"

namespace sluice::identity {
namespace {

// What a request claims in a header and in its body.
struct Claim {
  std::optional<std::string_view> value;
  bool twice = false;  // header and body both say so
};

Result<Claim> claim(const http::Request& request, std::string_view header, const char* member) {
  auto in_header = request.header(header);
  if (!in_header) return tl::unexpected(in_header.error());
  auto in_body = request.json()->string(member);
  if (!in_body) return tl::unexpected(in_body.error());
  const bool both = *in_header && *in_body;
  if (both && **in_header != **in_body) {
    return fail(ErrorCode::kBadRequest,
                fmt::format("\"{}\" in the body differs from the header", member));
  }
  return Claim{*in_header ? *in_header : *in_body, both};
}

Identity rejected(Identity identity, ErrorCode why) {
  identity.standing = Standing::kRejected;
  identity.rejection = Error{why};
  return identity;
}

}  // namespace

Result<Identity> Resolver::resolve(const http::Request& request, Credentials wanted) const {
  Identity identity;
  identity.address = canonical_address(request.remote_address, options_.ipv6_prefix);
  if (wanted == Credentials::kNone) return identity;
  return resolve_session(request, std::move(identity));
}

Result<Identity> Resolver::resolve_session(const http::Request& request, Identity identity) const {
  if (!request.json()) return tl::unexpected(request.json().error());
  const auto tenant = claim(request, "HTTP_X_TENANT_ID", "tenant_id");
  if (!tenant) return tl::unexpected(tenant.error());
  const auto token = claim(request, "HTTP_X_SESSION_ID", "session_id");
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
  identity.standing = tenant->twice && token->twice ? Standing::kKnown : Standing::kPartial;
  return identity;
}

}  // namespace sluice::identity
