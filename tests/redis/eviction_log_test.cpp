#include "redis/eviction_log.h"

#include "conformance/redis_server.h"
#include "redis/link_fixture.h"

namespace sluice::redis {
namespace {

TEST(EvictionPolicyTest, IsOneOnlyWhereMemoryIsBounded) {
  const std::vector<std::array<std::string, 2>> rows{
      {"# Memory\r\nmaxmemory:100\r\nmaxmemory_policy:allkeys-lru\r\n", "allkeys-lru"},
      {"maxmemory_policy:volatile-ttl\r\nmaxmemory:1\r\n", "volatile-ttl"},
      {"maxmemory:100\nmaxmemory_policy:volatile-lru", "volatile-lru"},
      {"maxmemory:100\r\nmaxmemory_policy:noeviction\r\n", ""},
      {"maxmemory:0\r\nmaxmemory_policy:allkeys-lru\r\n", ""},
      {"maxmemory_human:1M\r\nmaxmemory_policy:allkeys-lru\r\n", ""},
      {"maxmemory:100\r\n", ""},
      {"x_maxmemory:100\r\nmaxmemory_policy:allkeys-lru\r\n", ""},
      {"maxmemory", ""},
      {"\r\n\r\n", ""},
      {"", ""}};
  for (const auto& [info, policy] : rows) EXPECT_EQ(eviction_policy(info), policy) << info;
}

class EvictionLogTest : public LinkFixture {
 protected:
  // Loses the wire, and returns when another has asked.
  void log_in_again() {
    const auto asked = [&] {
      const std::string stats = server_.command("INFO commandstats");
      const auto at = stats.find("cmdstat_info:calls=");
      return at == std::string::npos ? 0 : std::stoi(stats.substr(at + 19));
    };
    const int before = asked();
    server_.command("CLIENT KILL TYPE normal");
    // Our own questions count too, and each counts the one before.
    int own = 1;
    ASSERT_TRUE(runs_until([&] { return asked() > before + own++; }));
    ASSERT_TRUE(take()) << "which comes after what was asked";
  }

  [[nodiscard]] int warnings() const {
    const std::string text = logged();
    int count = 0;
    for (auto at = text.find("may throw"); at != std::string::npos;
         at = text.find("may throw", at + 1)) {
      ++count;
    }
    return count;
  }

  RedisServer server_;
};

TEST_F(EvictionLogTest, ARedisThatMayThrowCountsOutIsWarnedOfOnceForEachChange) {
  server_.command("CONFIG SET maxmemory 100mb");
  server_.command("CONFIG SET maxmemory-policy volatile-lru");
  Link::Options options;
  options.uri.path = server_.socket();
  options.wire.command_timeout = std::chrono::seconds(5);
  open(options);
  ASSERT_TRUE(take());
  EXPECT_EQ(warnings(), 1);
  EXPECT_NE(logged().find("volatile-lru"), std::string::npos) << logged();
  log_in_again();
  EXPECT_EQ(warnings(), 1);
  server_.command("CONFIG SET maxmemory-policy noeviction");
  log_in_again();
  EXPECT_EQ(warnings(), 1);
  server_.command("CONFIG SET maxmemory-policy allkeys-lru");
  log_in_again();
  EXPECT_EQ(warnings(), 2);
}

TEST_F(EvictionLogTest, AUserWhoMayNotAskIsNotWarnedAndLosesNothing) {
  server_.command("CONFIG SET maxmemory 100mb");
  server_.command("CONFIG SET maxmemory-policy volatile-lru");
  server_.command("ACL SETUSER default -info");
  Link::Options options;
  options.uri.path = server_.socket();
  options.wire.command_timeout = std::chrono::seconds(5);
  open(options);
  ASSERT_TRUE(take());
  ASSERT_TRUE(take());
  EXPECT_EQ(warnings(), 0);
  EXPECT_EQ(logged().find("down"), std::string::npos) << logged();
}

}  // namespace
}  // namespace sluice::redis
