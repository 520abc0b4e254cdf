// Session tokens: only what a secret has signed is one, to the bit, and to the second.
#include <string>
#include <vector>

#include <sodium.h>

#include "fuzz/harness.h"
#include "identity/credentials/session_token.h"

namespace sluice::identity {
namespace {

using fuzz::Input;
using fuzz::require;
using Seconds = std::chrono::seconds;

constexpr std::size_t kHead = 1 + 5 + 16;  // version, expiry, id
constexpr std::size_t kTag = 16;
constexpr std::int64_t kExpiryEnd = std::int64_t{1} << 40U;
constexpr TimePoint kLongAgo{Seconds(-1)};

Secret secret_of(unsigned number) {
  Secret secret{};
  secret.fill(static_cast<std::uint8_t>(number));
  return secret;
}

bool same(const Session& a, const Session& b) {
  return a.tenant == b.tenant && a.id == b.id && a.expires_at == b.expires_at;
}

std::string base64(std::string_view bytes) {
  constexpr int kVariant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
  std::string text(sodium_base64_encoded_len(bytes.size(), kVariant), '\0');
  sodium_bin2base64(text.data(), text.size(), reinterpret_cast<const unsigned char*>(bytes.data()),
                    bytes.size(), kVariant);
  text.pop_back();
  return text;
}

// `payload` with its genuine tag, whether or not sign() would ever make it.
std::string tagged(std::string_view payload, const Secret& secret) {
  std::string token(payload);
  token.resize(payload.size() + kTag);
  crypto_generichash(reinterpret_cast<unsigned char*>(token.data() + payload.size()), kTag,
                     reinterpret_cast<const unsigned char*>(payload.data()), payload.size(),
                     secret.data(), secret.size());
  return base64(token);
}

// Session fields as the bytes of a payload have them.
Session read(std::string_view payload) {
  Session session;
  std::int64_t expiry = 0;
  for (const char c : payload.substr(1, 5)) expiry = expiry << 8 | static_cast<unsigned char>(c);
  session.expires_at = TimePoint(Seconds(expiry));
  std::copy_n(payload.begin() + 6, session.id.size(), session.id.begin());
  session.tenant = payload.substr(kHead);
  return session;
}

// Anything may be signed, if the secret leaks; and is read as what it is, or refused.
void check_payload(std::string_view payload, const SessionTokens& tokens, const Secret& secret) {
  const std::string token = tagged(payload, secret);
  const auto session = tokens.verify(token, kLongAgo);
  const bool expected =
      payload.size() > kHead && payload.size() <= kHead + kMaxIdLength && payload.front() == '\x01';
  require(session.has_value() == expected, "a tagged payload is read if it is well formed", token);
  if (!session) return;
  require(same(*session, read(payload)), "a session is what its bytes say", token);
  require(SessionTokens({secret}).sign(*session) == token, "one session has one token", token);
}

// `token` with one change, as the input says.
std::string changed(std::string token, Input& input) {
  const unsigned kind = input.byte() % 5;
  const std::size_t at = input.integer<std::uint16_t>() % (token.size() + 1);
  const char c = static_cast<char>(input.byte());
  if (kind == 0) token.insert(at, 1, c);
  if (kind == 1 && at < token.size()) token.erase(at, 1);
  if (kind == 2 && at < token.size()) token[at] = c;
  if (kind == 3) token.resize(at);
  if (kind == 4) token = std::string(input.bytes(at)) + token;
  return token;
}

void check_signed(Input& input, const SessionTokens& tokens, const SessionTokens& strangers) {
  Session session;
  session.expires_at = TimePoint(Seconds(input.between(0, kExpiryEnd - 1)));
  const std::string_view id = input.bytes(session.id.size());
  std::copy(id.begin(), id.end(), session.id.begin());
  const std::string filler(input.byte() % kMaxIdLength + 1, 'a');
  const std::string_view tenant = input.bytes(input.byte() % kMaxIdLength + 1);
  session.tenant = is_valid_id(tenant) ? tenant : filler;

  const std::string token = tokens.sign(session);
  const auto last = tokens.verify(token, session.expires_at - Duration(1));
  require(last.has_value() && same(*last, session), "a token is good to its last microsecond",
          token);
  require(!tokens.verify(token, session.expires_at), "a token expires at its second", token);
  require(!strangers.verify(token, kLongAgo), "another secret's token is none", token);
  const std::string other = changed(token, input);
  if (other != token) require(!tokens.verify(other, kLongAgo), "a changed token is none", other);
}

}  // namespace
}  // namespace sluice::identity

// A byte for the number of secrets, what check_signed() takes, and the rest as payload and token.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice::identity;
  sluice::fuzz::Input input(data, size);
  std::vector<Secret> secrets;
  for (unsigned i = 0; i <= input.byte() % 4; ++i) secrets.push_back(secret_of(i + 1));
  const SessionTokens tokens(secrets);
  const SessionTokens strangers({secret_of(99)});
  check_signed(input, tokens, strangers);
  // Old secrets verify too.
  check_payload(input.rest(), tokens, secrets.back());
  // Of a secret that signs nothing here: libFuzzer learns what this file compares.
  const sluice::fuzz::Exact text(input.rest());
  sluice::fuzz::require(!strangers.verify(text.view(), kLongAgo), "nobody makes a token by chance",
                        text.view());
  return 0;
}
