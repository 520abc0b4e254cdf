#include "commands/eviction.h"

#include <gtest/gtest.h>

#include "conformance/redis_server.h"

namespace sluice::commands {
namespace {

redis::Link::Options at(const std::string& socket) {
  redis::Link::Options options;
  options.uri.path = socket;
  options.wire.connect_timeout = options.wire.command_timeout = loop::Milliseconds(10'000);
  return options;
}

TEST(EvictionTest, IsWhatRedisSays) {
  const RedisServer server({"--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"});
  auto policy = eviction_of(at(server.socket()));
  ASSERT_TRUE(policy) << policy.error().detail;
  EXPECT_EQ(*policy, "allkeys-lru");
  server.command("CONFIG SET maxmemory-policy noeviction");
  policy = eviction_of(at(server.socket()));
  ASSERT_TRUE(policy) << policy.error().detail;
  EXPECT_EQ(*policy, "");
}

TEST(EvictionTest, WhoMayNotAskIsToldSo) {
  const RedisServer server;
  server.command("ACL SETUSER default -info");
  const auto policy = eviction_of(at(server.socket()));
  ASSERT_FALSE(policy);
  EXPECT_NE(policy.error().detail.find("NOPERM"), std::string::npos) << policy.error().detail;
}

TEST(EvictionTest, WithoutRedisTheReasonIsTold) {
  const auto policy = eviction_of(at("/nowhere/redis.sock"));
  ASSERT_FALSE(policy);
  EXPECT_EQ(policy.error().code, ErrorCode::kStoreUnavailable);
  EXPECT_NE(policy.error().detail, "");
}

}  // namespace
}  // namespace sluice::commands
