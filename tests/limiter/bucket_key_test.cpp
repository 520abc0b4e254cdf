#include "limiter/bucket_key.h"

#include <gtest/gtest.h>

namespace sluice::limiter {
namespace {

using limits::Limit;

identity::Identity caller() {
  identity::Identity identity;
  identity.address = "4:7f000001";
  identity.tenant = "acme";
  identity.session = SessionId{0x01, 0xab};
  identity.api_key = "f00d";
  identity.headers = {{"x-device", "beef"}};
  return identity;
}

std::string key(const std::string& tenant, std::string_view scope,
                const identity::Identity& identity = caller()) {
  const Limit limit{.name = "chat",
                    .tenant = tenant,
                    .plan = tenant.empty() ? "" : "gold",
                    .scope = *limits::parse_scope(scope),
                    .rate = {}};
  return bucket_key("sluice", limit, identity, "send");
}

TEST(BucketKeyTest, EveryKeyOfATenantIsUnderItsHashTag) {
  EXPECT_EQ(key("acme", "session"),
            "sluice:v2:{acme}:chat:session:01ab0000000000000000000000000000");
  EXPECT_EQ(key("acme", "tenant"), "sluice:v2:{acme}:chat:tenant");
  EXPECT_EQ(key("acme", "ip"), "sluice:v2:{acme}:chat:ip:4:7f000001");
}

TEST(BucketKeyTest, ADefaultIsKeyedByWhatIsKnownOfAStranger) {
  EXPECT_EQ(key("", "ip"), "sluice:v2:{@4:7f000001}:chat:ip");
  EXPECT_EQ(key("", "api_key"), "sluice:v2:{@}:chat:api_key:f00d");
  EXPECT_EQ(key("", "global"), "sluice:v2:{@}:chat:global");
}

TEST(BucketKeyTest, AGlobalLimitOfAPlanIsSharedByItsTenants) {
  EXPECT_EQ(key("acme", "global"), "sluice:v2:{@}:gold:chat:global");
  EXPECT_EQ(key("acme", "global"), key("globex", "global"));
}

TEST(BucketKeyTest, FactsJoinInTheOrderWritten) {
  EXPECT_EQ(key("acme", "ip+route"), "sluice:v2:{acme}:chat:ip:4:7f000001:route:send");
  EXPECT_EQ(key("acme", "header:X-Device+tenant"),
            "sluice:v2:{acme}:chat:header:x-device:beef:tenant");
}

TEST(BucketKeyTest, AFactThatIsNotShownIsReplacedByTheAddress) {
  identity::Identity stranger = caller();
  stranger.session.reset();
  stranger.api_key.clear();
  stranger.headers.clear();
  EXPECT_EQ(key("acme", "session", stranger), "sluice:v2:{acme}:chat:session:@4:7f000001");
  EXPECT_EQ(key("acme", "api_key", stranger), "sluice:v2:{acme}:chat:api_key:@4:7f000001");
  EXPECT_EQ(key("acme", "header:x-device", stranger),
            "sluice:v2:{acme}:chat:header:x-device:@4:7f000001");
}

}  // namespace
}  // namespace sluice::limiter
