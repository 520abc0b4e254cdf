#include "identity/credentials/api_key.h"

#include <set>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::identity {
namespace {

Result<std::optional<std::string_view>> key_of(const std::vector<http::Param>& params) {
  http::Request request;
  request.params = params;
  return api_key_of(request);
}

TEST(ApiKeyTest, IsReadFromEitherHeader) {
  EXPECT_EQ(*key_of({{"HTTP_X_API_KEY", "k1"}}), "k1");
  EXPECT_EQ(*key_of({{"HTTP_AUTHORIZATION", "Bearer k1"}}), "k1");
  EXPECT_EQ(*key_of({{"HTTP_AUTHORIZATION", "bearer   k1"}}), "k1");
  EXPECT_EQ(*key_of({{"HTTP_X_API_KEY", "k1"}, {"HTTP_AUTHORIZATION", "Bearer k1"}}), "k1");
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
    EXPECT_EQ(*key, std::nullopt);
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

TEST(ApiKeyTest, IsHashedAsAWholeByBlake2bOf256Bits) {
  // Python: hashlib.blake2b(b"slk_" + b"A" * 43, digest_size=32).hexdigest()
  EXPECT_EQ(fmt::format("{:02x}", fmt::join(hash_of_api_key("slk_" + std::string(43, 'A')), "")),
            "7a9e03718c750f2afeeb30ce82ed4faa"
            "0cfc0c8eba833f0ae4915034c8263647");
}

TEST(ApiKeyTest, IsMadeOf256RandomBits) {
  std::set<std::string> keys;
  std::set<char> characters;
  for (int i = 0; i < 200; ++i) {
    const std::string key = generate_api_key();
    EXPECT_THAT(key, testing::MatchesRegex("slk_[A-Za-z0-9_-]{43}"));
    keys.insert(key);
    characters.insert(key.begin() + 4, key.end());
  }
  EXPECT_EQ(keys.size(), 200U);
  EXPECT_EQ(characters.size(), 64U);
}

TEST(ApiKeysTest, FindAKeyByItsWholeTextAndNothingElse) {
  const std::string key = generate_api_key();
  const std::string other = generate_api_key();
  const ApiKeys keys({{"k1", "acme", "alice", hash_of_api_key(key), "", 0},
                      {"k2", "globex", "bob", hash_of_api_key(other), "", 0}});
  EXPECT_EQ(keys.size(), 2U);
  ASSERT_NE(keys.find(key), nullptr);
  EXPECT_EQ(keys.find(key)->user, "alice");
  EXPECT_EQ(keys.find(other)->user, "bob");
  std::string changed = key;
  changed[20] = changed[20] == 'x' ? 'y' : 'x';
  for (const std::string& wrong :
       {std::string(), std::string("k1"), key.substr(0, 46), key + "A", " " + key, key.substr(4),
        changed, generate_api_key(), std::string(100'000, 'A')}) {
    EXPECT_EQ(keys.find(wrong), nullptr) << wrong.substr(0, 50);
  }
}

TEST(ApiKeysTest, FindAKeyByItsId) {
  const ApiKeys keys({{"k1", "acme", "alice", hash_of_api_key("a"), "", 0}});
  ASSERT_NE(keys.find_id("k1"), nullptr);
  EXPECT_EQ(keys.find_id("k1")->tenant, "acme");
  EXPECT_EQ(keys.find_id("k"), nullptr);
  EXPECT_EQ(ApiKeys().find_id(""), nullptr);
}

}  // namespace
}  // namespace sluice::identity
