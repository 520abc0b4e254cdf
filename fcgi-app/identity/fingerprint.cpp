#include "identity/fingerprint.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>

#include <fmt/format.h>
#include <sodium.h>

namespace sluice::identity {
namespace {

constexpr std::size_t kFingerprintBytes = 16;
constexpr std::string_view kAuthorization = "HTTP_AUTHORIZATION";
constexpr std::string_view kBearer = "bearer ";

// RFC 9110 section 11.1: the scheme is not case-sensitive.
bool is_bearer(std::string_view credentials) {
  const auto same = [](char ours, unsigned char c) { return ours == std::tolower(c); };
  return credentials.size() > kBearer.size() &&
         std::equal(kBearer.begin(), kBearer.end(), credentials.begin(), same);
}

// Credentials of other schemes are none of ours, and may well hold commas.
Result<std::optional<std::string_view>> bearer_token(const http::Request& request) {
  const auto is_ours = [](const http::Param& param) {
    return param.name == kAuthorization && is_bearer(param.value);
  };
  if (std::none_of(request.params.begin(), request.params.end(), is_ours)) {
    return std::optional<std::string_view>();
  }
  auto credentials = request.header(kAuthorization);
  if (!credentials || !*credentials) return credentials;
  std::string_view token = (*credentials)->substr(kBearer.size());
  token.remove_prefix(std::min(token.find_first_not_of(' '), token.size()));
  return token.empty() ? std::nullopt : std::optional(token);
}

}  // namespace

std::string fingerprint(std::string_view value) {
  const std::basic_string<std::uint8_t> bytes(value.begin(), value.end());
  std::array<std::uint8_t, kFingerprintBytes> hash{};
  crypto_generichash(hash.data(), hash.size(), bytes.data(), bytes.size(), nullptr, 0);
  return fmt::format("{:02x}", fmt::join(hash, ""));
}

Result<std::string> api_key_of(const http::Request& request) {
  const auto key = request.header("HTTP_X_API_KEY");
  if (!key) return tl::unexpected(key.error());
  const auto token = bearer_token(request);
  if (!token) return tl::unexpected(token.error());
  if (*key && *token && **key != **token) {
    return fail(ErrorCode::kBadRequest, "X-API-Key differs from the token in Authorization");
  }
  if (!*key && !*token) return std::string();
  return fingerprint(*key ? **key : **token);
}

}  // namespace sluice::identity
