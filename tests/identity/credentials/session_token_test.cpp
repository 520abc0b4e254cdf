#include "identity/credentials/session_token.h"

#include <set>

#include <gtest/gtest.h>

namespace sluice::identity {
namespace {

using std::chrono::microseconds;
using std::chrono::seconds;

constexpr TimePoint kNow{seconds(1'800'000'000)};

Secret secret(std::uint8_t fill) {
  Secret made{};
  made.fill(fill);
  return made;
}

TEST(SessionTokenTest, AGenuineTokenYieldsItsSession) {
  const SessionTokens tokens({secret(1)});
  const Session session = SessionTokens::create("acme", kNow + seconds(60));
  const auto verified = tokens.verify(tokens.sign(session), kNow);
  ASSERT_TRUE(verified);
  EXPECT_EQ(verified->tenant, "acme");
  EXPECT_EQ(verified->id, session.id);
  EXPECT_EQ(verified->expires_at, kNow + seconds(60));
}

TEST(SessionTokenTest, ExpiresAtTheSecondItNames) {
  const SessionTokens tokens({secret(1)});
  const std::string token = tokens.sign(SessionTokens::create("acme", kNow + seconds(60)));
  EXPECT_TRUE(tokens.verify(token, kNow + seconds(60) - microseconds(1)));
  EXPECT_FALSE(tokens.verify(token, kNow + seconds(60)));
}

TEST(SessionTokenTest, AnyChangedCharacterIsRefused) {
  const SessionTokens tokens({secret(1)});
  const std::string token = tokens.sign(SessionTokens::create("acme", kNow + seconds(60)));
  for (std::size_t i = 0; i < token.size(); ++i) {
    std::string forged = token;
    forged[i] = forged[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(tokens.verify(forged, kNow)) << "character " << i;
  }
}

// libsodium 1.0.18 takes any byte above 0x7f for a '_'.
TEST(SessionTokenTest, NoOtherByteStandsForACharacter) {
  const SessionTokens tokens({secret(1)});
  Session session = SessionTokens::create("acme", kNow + seconds(60));
  session.id.fill(0xff);  // "_" over and over
  const std::string token = tokens.sign(session);
  ASSERT_NE(token.find('_'), std::string::npos);
  for (std::size_t i = 0; i < token.size(); ++i) {
    for (int byte = 0; byte <= 0xff; ++byte) {
      std::string other = token;
      other[i] = static_cast<char>(byte);
      EXPECT_EQ(tokens.verify(other, kNow).has_value(), other == token) << i << ": " << byte;
    }
  }
}

TEST(SessionTokenTest, AnyShorterOrLongerTokenIsRefused) {
  const SessionTokens tokens({secret(1)});
  const std::string token = tokens.sign(SessionTokens::create("acme", kNow + seconds(60)));
  for (std::size_t size = 0; size < token.size(); ++size) {
    EXPECT_FALSE(tokens.verify(token.substr(0, size), kNow)) << "size " << size;
  }
  EXPECT_FALSE(tokens.verify(token + "A", kNow));
  EXPECT_FALSE(tokens.verify(token + "=", kNow));
  EXPECT_FALSE(tokens.verify(std::string(100'000, 'A'), kNow));
}

TEST(SessionTokenTest, EverySecretVerifiesAndTheFirstSigns) {
  const SessionTokens old_tokens({secret(1)});
  const SessionTokens rotated({secret(2), secret(1)});
  const SessionTokens new_tokens({secret(2)});
  const Session session = SessionTokens::create("acme", kNow + seconds(60));
  EXPECT_TRUE(rotated.verify(old_tokens.sign(session), kNow));
  EXPECT_TRUE(new_tokens.verify(rotated.sign(session), kNow));
  EXPECT_FALSE(new_tokens.verify(old_tokens.sign(session), kNow));
}

TEST(SessionTokenTest, NoTwoSessionsShareAnId) {
  std::set<SessionId> ids;
  for (int i = 0; i < 1000; ++i) ids.insert(SessionTokens::create("acme", kNow).id);
  EXPECT_EQ(ids.size(), 1000U);
}

}  // namespace
}  // namespace sluice::identity
