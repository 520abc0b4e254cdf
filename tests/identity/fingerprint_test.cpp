#include "identity/fingerprint.h"

#include <gtest/gtest.h>

namespace sluice::identity {
namespace {

Result<std::string> key_of(const std::vector<http::Param>& params) {
  http::Request request;
  request.params = params;
  return api_key_of(request);
}

TEST(FingerprintTest, IsBlake2bOf128BitsInHex) {
  // Python: hashlib.blake2b(b"...", digest_size=16).hexdigest()
  EXPECT_EQ(fingerprint("abc"), "cf4ab791c62b8d2b2109c90275287816");
  EXPECT_EQ(fingerprint(""), "cae66941d9efbd404e4d88758ea67670");
  EXPECT_NE(fingerprint("abc"), fingerprint("abd"));
}

TEST(ApiKeyTest, IsReadFromEitherHeader) {
  const std::string key = fingerprint("k1");
  EXPECT_EQ(*key_of({{"HTTP_X_API_KEY", "k1"}}), key);
  EXPECT_EQ(*key_of({{"HTTP_AUTHORIZATION", "Bearer k1"}}), key);
  EXPECT_EQ(*key_of({{"HTTP_AUTHORIZATION", "bearer   k1"}}), key);
  EXPECT_EQ(*key_of({{"HTTP_X_API_KEY", "k1"}, {"HTTP_AUTHORIZATION", "Bearer k1"}}), key);
}

TEST(ApiKeyTest, IsEmptyWhereNoneIsShown) {
  for (const auto& params : std::vector<std::vector<http::Param>>{
           {},
           {{"HTTP_X_API_KEY", ""}},
           {{"HTTP_AUTHORIZATION", "Basic azE6"}},
           {{"HTTP_AUTHORIZATION", "Digest username=\"a\", realm=\"b\""}},
           {{"HTTP_AUTHORIZATION", "Bearer"}},
           {{"HTTP_AUTHORIZATION", "Bearer  "}},
           {{"HTTP_AUTHORIZATION", "Bearerk1"}}}) {
    const auto key = key_of(params);
    ASSERT_TRUE(key);
    EXPECT_EQ(*key, "");
  }
}

TEST(ApiKeyTest, NobodyMayChooseWhichOfTwoCounts) {
  for (const auto& params : std::vector<std::vector<http::Param>>{
           {{"HTTP_X_API_KEY", "k1"}, {"HTTP_AUTHORIZATION", "Bearer k2"}},
           {{"HTTP_X_API_KEY", "k1"}, {"HTTP_X_API_KEY", "k2"}},
           {{"HTTP_X_API_KEY", "k1, k2"}},
           {{"HTTP_AUTHORIZATION", "Bearer k1"}, {"HTTP_AUTHORIZATION", "Bearer k2"}},
           {{"HTTP_AUTHORIZATION", "Basic azE6"}, {"HTTP_AUTHORIZATION", "Bearer k2"}},
           {{"HTTP_AUTHORIZATION", "Bearer k1, Bearer k2"}}}) {
    const auto key = key_of(params);
    ASSERT_FALSE(key);
    EXPECT_EQ(key.error().code, ErrorCode::kBadRequest);
  }
}

}  // namespace
}  // namespace sluice::identity
