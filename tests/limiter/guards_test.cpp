#include "limiter/guards.h"

#include <gtest/gtest.h>

namespace sluice::limiter {
namespace {

using limits::Algorithm;
using limits::Fact;
using limits::Guard;
using limits::Limit;
using limits::Scope;
using std::chrono::seconds;

identity::Identity at(std::string address) {
  identity::Identity identity;
  identity.address = std::move(address);
  return identity;
}

const identity::Identity kV4 = at("4:7f000001");
const identity::Identity kV6 = at("6:20010db8000a000b");

Limit limit(Scope scope, std::string tenant = "") {
  return {.name = "chat",
          .tenant = std::move(tenant),
          .scope = std::move(scope),
          .rate = {8, {10, limits::Unit::kSecond}}};
}

std::vector<std::string> keys(const Limit& limit, const identity::Identity& identity) {
  Guards guards("sluice", {});
  std::vector<std::string> keys;
  for (const Guard& guard : guards.guards_of(limit, identity, "chat")) {
    keys.push_back(guard.key);
    keys.push_back(guard.shared_key);
  }
  return keys;
}

using Keys = std::vector<std::string>;

TEST(GuardsTest, GuardWhatClientsCanVary) {
  const Keys all{"sluice:v2:{@}:chat:opened", "sluice:v2:{@}:chat:shared"};
  const Keys none;
  identity::Identity known = kV6;
  known.tenant = "acme";
  known.session = SessionId{1};
  known.standing = Standing::kKnown;
  EXPECT_EQ(keys(limit(Fact::kTenant, "acme"), known), none);
  EXPECT_EQ(keys(limit(Scope(), "acme"), known), none);
  EXPECT_EQ(keys(limit(Fact::kIp), kV4), all);
  EXPECT_EQ(keys(limit(*limits::parse_scope("tenant+route"), "acme"), known), none);
}

TEST(GuardsTest, BoundANetworkByWhatItHasManyOf) {
  const auto added = [](Keys keys, std::string_view network) {
    keys.push_back("sluice:v2:{@}:chat:opened:" + std::string(network));
    keys.push_back("sluice:v2:{@}:chat:shared:" + std::string(network));
    return keys;
  };
  const Keys all{"sluice:v2:{@}:chat:opened", "sluice:v2:{@}:chat:shared"};
  const Scope header = *limits::parse_scope("header:x-device");
  EXPECT_EQ(keys(limit(Fact::kIp), kV6), added(all, "6:20010db8000a"));
  EXPECT_EQ(keys(limit(header), kV6), added(all, "6:20010db8000a"));
  EXPECT_EQ(keys(limit(header), kV4), added(all, "4:7f000001"));
  EXPECT_EQ(keys(limit(Fact::kApiKey), kV6), added(all, "6:20010db8000a"))
      << "without a key its address counts";
  EXPECT_EQ(keys(limit(Fact::kIp), at("6:20010d")), all) << "ipv6_prefix is shorter already";
}

TEST(GuardsTest, BoundTheSessionsOfATenantAndOfANetwork) {
  identity::Identity known = kV4;
  known.tenant = "acme";
  known.session = SessionId{1};
  known.standing = Standing::kKnown;
  EXPECT_EQ(
      keys(limit(Fact::kSession, "acme"), known),
      (Keys{"sluice:v2:{acme}:chat:opened", "sluice:v2:{acme}:chat:shared",
            "sluice:v2:{acme}:chat:opened:4:7f000001", "sluice:v2:{acme}:chat:shared:4:7f000001"}));
  known.session.reset();
  known.user = "ci";
  EXPECT_EQ(keys(limit(Fact::kSession, "acme"), known).size(), 2U) << "users are configured";
}

TEST(GuardsTest, LastAsLongAsABucketOfTheLimit) {
  Guards guards("sluice", {.per_tenant = 7, .per_network = 0});
  const auto window = [&](Algorithm algorithm, std::int64_t burst) {
    Limit guarded = limit(Fact::kIp);
    guarded.algorithm = algorithm;
    guarded.burst = burst;
    const std::vector<Guard> found = guards.guards_of(guarded, kV6, "chat");
    EXPECT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].limit->quota(), 7);
    EXPECT_EQ(found[0].limit->complaint(), std::nullopt);
    return found[0].limit->window();
  };
  EXPECT_EQ(window(Algorithm::kFixedWindow, 0), seconds(10));
  EXPECT_EQ(window(Algorithm::kSlidingLog, 0), seconds(10));
  EXPECT_EQ(window(Algorithm::kSlidingWindow, 0), seconds(20));
  EXPECT_EQ(window(Algorithm::kTokenBucket, 0), seconds(10));
  EXPECT_EQ(window(Algorithm::kLeakyBucket, 80), seconds(100));
  EXPECT_EQ(window(Algorithm::kLeakyBucket, 1), std::chrono::milliseconds(1250));
}

TEST(GuardsTest, ZeroIsNoBound) {
  Guards guards("sluice", {.per_tenant = 0, .per_network = 0});
  EXPECT_TRUE(guards.guards_of(limit(Fact::kIp), kV6, "chat").empty());
}

}  // namespace
}  // namespace sluice::limiter
