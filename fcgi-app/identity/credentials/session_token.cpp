#include "identity/credentials/session_token.h"

#include <algorithm>
#include <cassert>
#include <span>

#include <sodium.h>

#include "identity/credentials/base64.h"
#include "identity/credentials/bytes.h"

namespace sluice::identity {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kExpiryBytes = 5;
constexpr std::size_t kTagBytes = 16;
constexpr std::size_t kHeadBytes = 1 + kExpiryBytes + std::tuple_size_v<SessionId>;
constexpr std::size_t kMaxBytes = kHeadBytes + kMaxIdLength + kTagBytes;
constexpr int kEncoding = sodium_base64_VARIANT_URLSAFE_NO_PADDING;

using Bytes = std::span<const std::uint8_t>;
using Tag = std::array<std::uint8_t, kTagBytes>;

Tag tag_of(Bytes text, const Secret& secret) {
  Tag tag{};
  crypto_generichash(tag.data(), tag.size(), text.data(), text.size(), secret.data(),
                     secret.size());
  return tag;
}

std::int64_t seconds_of(TimePoint at) {
  return std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count();
}

}  // namespace

SessionTokens::SessionTokens(std::vector<Secret> secrets) : secrets_(std::move(secrets)) {
  assert(!secrets_.empty());
  start_sodium();
}

std::string SessionTokens::sign(const Session& session) const {
  std::vector<std::uint8_t> token{kVersion};
  const auto expiry = static_cast<std::uint64_t>(seconds_of(session.expires_at));
  for (std::size_t i = 0; i < kExpiryBytes; ++i) {
    token.push_back(static_cast<std::uint8_t>(expiry >> (8 * (kExpiryBytes - 1 - i))));
  }
  token.insert(token.end(), session.id.begin(), session.id.end());
  token.insert(token.end(), session.tenant.begin(), session.tenant.end());
  const Tag tag = tag_of(token, secrets_.front());
  token.insert(token.end(), tag.begin(), tag.end());

  std::string text(sodium_base64_encoded_len(token.size(), kEncoding), '\0');
  sodium_bin2base64(text.data(), text.size(), token.data(), token.size(), kEncoding);
  text.pop_back();  // the NUL that sodium counts
  return text;
}

Result<Session> SessionTokens::verify(std::string_view token, TimePoint now) const {
  std::array<std::uint8_t, kMaxBytes> buffer{};
  const auto size = read_base64(token, buffer);
  if (!size || *size <= kHeadBytes + kTagBytes || buffer[0] != kVersion) {
    return fail(ErrorCode::kInvalidSession);
  }
  const Bytes text = Bytes(buffer).first(*size - kTagBytes);
  const Bytes tag = Bytes(buffer).subspan(text.size(), kTagBytes);
  const bool genuine = std::any_of(secrets_.begin(), secrets_.end(), [&](const Secret& secret) {
    return sodium_memcmp(tag_of(text, secret).data(), tag.data(), tag.size()) == 0;
  });
  if (!genuine) return fail(ErrorCode::kInvalidSession);

  Session session;
  std::int64_t expiry = 0;
  for (const std::uint8_t byte : text.subspan(1, kExpiryBytes)) expiry = expiry * 256 + byte;
  session.expires_at = TimePoint(std::chrono::seconds(expiry));
  if (session.expires_at <= now) return fail(ErrorCode::kInvalidSession);
  std::copy_n(text.begin() + 1 + kExpiryBytes, session.id.size(), session.id.begin());
  session.tenant.assign(text.begin() + kHeadBytes, text.end());
  return session;
}

Session SessionTokens::create(std::string_view tenant, TimePoint expires_at) {
  Session session{std::string(tenant), {}, std::chrono::floor<std::chrono::seconds>(expires_at)};
  randombytes_buf(session.id.data(), session.id.size());
  return session;
}

}  // namespace sluice::identity
