#include "identity/credentials/api_key.h"

#include <algorithm>
#include <cctype>
#include <cstring>

#include <sodium.h>

#include "identity/credentials/bytes.h"

namespace sluice::identity {
namespace {

constexpr std::string_view kPrefix = "slk_";  // lets scanners of code find keys that leaked
constexpr std::size_t kRandomBytes = 32;
constexpr std::size_t kKeyLength = kPrefix.size() + (kRandomBytes * 4 + 2) / 3;
constexpr std::string_view kKeyHeader = "HTTP_X_API_KEY";
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

ApiKeyHash hash_of_api_key(std::string_view key) {
  ApiKeyHash hash{};
  hash_into(hash, key);
  return hash;
}

std::string generate_api_key() {
  start_sodium();
  std::array<std::uint8_t, kRandomBytes> bytes{};
  randombytes_buf(bytes.data(), bytes.size());
  std::array<char, kKeyLength - kPrefix.size() + 1> text{};  // and the NUL that sodium writes
  sodium_bin2base64(text.data(), text.size(), bytes.data(), bytes.size(),
                    sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  return std::string(kPrefix) + text.data();
}

Result<std::optional<std::string_view>> api_key_of(const http::Request& request) {
  auto key = request.header(kKeyHeader);
  if (!key) return key;
  auto token = bearer_token(request);
  if (!token) return token;
  if (*key && *token && **key != **token) {
    return fail(ErrorCode::kBadRequest, "X-API-Key differs from the token in Authorization");
  }
  return *key ? key : token;
}

std::optional<std::string_view> api_key_at_gate(const http::Request& request) {
  for (const auto& field : {request.header(kKeyHeader), bearer_token(request)}) {
    if (field && *field && (*field)->starts_with(kPrefix)) return *field;
  }
  return std::nullopt;
}

std::size_t ApiKeys::FirstBytes::operator()(const ApiKeyHash& hash) const {
  std::size_t first = 0;
  std::memcpy(&first, hash.data(), sizeof first);
  return first;
}

ApiKeys::ApiKeys(std::vector<ApiKey> keys) {
  for (ApiKey& key : keys) {
    const ApiKeyHash hash = key.hash;
    const ApiKey& kept = by_hash_.emplace(hash, std::move(key)).first->second;
    by_id_.emplace(kept.id, &kept);
  }
}

const ApiKey* ApiKeys::find(std::string_view key) const {
  // What is no key is not hashed, so a long one costs nothing.
  if (key.size() != kKeyLength || !key.starts_with(kPrefix)) return nullptr;
  const auto found = by_hash_.find(hash_of_api_key(key));
  return found == by_hash_.end() ? nullptr : &found->second;
}

const ApiKey* ApiKeys::find_id(std::string_view id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : found->second;
}

}  // namespace sluice::identity
