// Session tokens: signed, so that ownership is checked without I/O. The home of
// libsodium is this folder.
//
// token = base64url, unpadded, of: version (1 byte, 1), expiry (5 bytes, big-endian seconds since
// the epoch), id (16 random bytes), tenant (1 to 64 bytes), tag (16 bytes: keyed BLAKE2b over all
// that stands before it). Opaque to clients.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/result.h"

namespace sluice::identity {

using Secret = std::array<std::uint8_t, 32>;

struct Session {
  std::string tenant;
  SessionId id{};
  TimePoint expires_at{};  // whole seconds
};

class SessionTokens {
 public:
  // The first secret signs; all verify, so a secret can be replaced without ending sessions.
  // REQUIRES: secrets is not empty.
  explicit SessionTokens(std::vector<Secret> secrets);

  [[nodiscard]] std::string sign(const Session& session) const;

  // The session of a genuine token that has not expired at `now`; a token expires at the very
  // second it names. Error: kInvalidSession, which says no more than that.
  [[nodiscard]] Result<Session> verify(std::string_view token, TimePoint now) const;

  // A new session with a random id. REQUIRES: is_valid_id(tenant).
  [[nodiscard]] static Session create(std::string_view tenant, TimePoint expires_at);

 private:
  std::vector<Secret> secrets_;
};

}  // namespace sluice::identity
