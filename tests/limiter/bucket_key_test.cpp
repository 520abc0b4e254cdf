#include "limiter/bucket_key.h"

#include <set>

#include <gtest/gtest.h>

namespace sluice::limiter {
namespace {

using limits::Limit;

identity::Identity caller() {
  identity::Identity identity;
  identity.address = "4:7f000001";
  identity.tenant = "acme";
  identity.session = SessionId{0x01, 0xab};
  identity.api_key = "k1";
  identity.user = "alice";
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
  return bucket_key(KeySpace{}, limit, identity, "send");
}

TEST(BucketKeyTest, EveryKeyOfATenantIsUnderItsHashTag) {
  EXPECT_EQ(key("acme", "session"),
            "sluice:v3:{acme}:chat:session:01ab0000000000000000000000000000");
  EXPECT_EQ(key("acme", "tenant"), "sluice:v3:{acme}:chat:tenant");
  EXPECT_EQ(key("acme", "ip"), "sluice:v3:{acme}:chat:ip:4:7f000001");
}

TEST(BucketKeyTest, ADefaultIsKeyedByWhatIsKnownOfAStranger) {
  EXPECT_EQ(key("", "ip"), "sluice:v3:{@4:7f000001}:chat:ip");
  EXPECT_EQ(key("", "header:x-device"), "sluice:v3:{@}:chat:header:x-device:beef");
  EXPECT_EQ(key("", "global"), "sluice:v3:{@}:chat:global");
}

limits::PlanLimit listed(const std::string& tenant, std::string_view scope) {
  return {{.name = "chat",
           .tenant = tenant,
           .plan = tenant.empty() ? "" : "gold",
           .scope = *limits::parse_scope(scope),
           .rate = {}},
          {"send"}};
}

TEST(BucketKeyTest, AGlobalLimitOfAPlanIsSharedByItsTenantsAndSoIsTheirTag) {
  const limits::Plans plans({listed("", "ip")}, {{"acme", {listed("acme", "global")}},
                                                 {"globex", {listed("globex", "global")}},
                                                 {"initech", {listed("initech", "session")}}});
  const KeySpace space{.prefix = "sluice", .tags = Tags(plans)};
  const auto of = [&](const std::string& tenant, std::string_view scope) {
    return bucket_key(space, listed(tenant, scope).limit, caller(), "send");
  };
  EXPECT_EQ(of("acme", "global"), "sluice:v3:{@gold}:gold:chat:global");
  EXPECT_EQ(of("globex", "global"), of("acme", "global"));
  EXPECT_EQ(of("acme", "tenant"), "sluice:v3:{@gold}:acme:chat:tenant");
  EXPECT_EQ(session_key(space, "@ended", caller()),
            "sluice:v3:{@gold}:acme:@ended:01ab0000000000000000000000000000");
  EXPECT_EQ(of("initech", "tenant"), "sluice:v3:{initech}:chat:tenant");
  EXPECT_EQ(of("", "ip"), "sluice:v3:{@4:7f000001}:chat:ip");
  EXPECT_EQ(address_key(space, "@locked", caller()), "sluice:v3:{@4:7f000001}:@locked");
}

TEST(BucketKeyTest, DefaultsThatDoNotAllCountTheAddressHaveOneTag) {
  const limits::Plans plans({listed("", "ip"), listed("", "header:x-device")}, {});
  const KeySpace space{.prefix = "sluice", .tags = Tags(plans)};
  const auto of = [&](std::string_view scope) {
    return bucket_key(space, listed("", scope).limit, caller(), "send");
  };
  EXPECT_EQ(of("ip"), "sluice:v3:{@}:chat:ip:4:7f000001");
  EXPECT_EQ(of("header:x-device"), "sluice:v3:{@}:chat:header:x-device:beef");
  EXPECT_EQ(address_key(space, "@locked", caller()), "sluice:v3:{@}:@locked:4:7f000001");
}

TEST(BucketKeyTest, FactsJoinInTheOrderWritten) {
  EXPECT_EQ(key("acme", "ip+route"), "sluice:v3:{acme}:chat:ip:4:7f000001:route:send");
  EXPECT_EQ(key("acme", "header:X-Device+tenant"),
            "sluice:v3:{acme}:chat:header:x-device:beef:tenant");
}

TEST(BucketKeyTest, AnApiKeyAndItsUserAreCountedByTheirIds) {
  EXPECT_EQ(key("acme", "api_key"), "sluice:v3:{acme}:chat:api_key:k1");
  EXPECT_EQ(key("acme", "user"), "sluice:v3:{acme}:chat:user:alice");
  EXPECT_EQ(key("acme", "user+api_key"), "sluice:v3:{acme}:chat:user:alice:api_key:k1");
}

TEST(BucketKeyTest, AllKeysOfAUserWithoutASessionAreOneSession) {
  identity::Identity keyed = caller();
  keyed.session.reset();
  EXPECT_EQ(key("acme", "session", keyed), "sluice:v3:{acme}:chat:session:user:alice");
  keyed.api_key = "k2";
  keyed.address = "4:7f000002";
  EXPECT_EQ(key("acme", "session", keyed), "sluice:v3:{acme}:chat:session:user:alice");
}

// Ids that look like what else may stand in their place.
TEST(BucketKeyTest, NoTwoIdentitiesShareAKey) {
  const std::string hex = "01ab0000000000000000000000000000";  // as caller()'s session
  std::vector<identity::Identity> callers;
  const auto add = [&](bool session, const std::string& api_key, const std::string& user) {
    callers.push_back(caller());
    if (!session) callers.back().session.reset();
    callers.back().api_key = api_key;
    callers.back().user = user;
  };
  add(true, "", "");
  add(false, "", "");  // counted by its address
  add(false, "k1", hex);
  add(false, "k1", "user");
  add(false, "k1", "user-" + hex);
  add(false, "k1", "4");
  add(false, "k1", "7f000001");
  for (const char* scope : {"session", "session+route", "session+api_key", "session+user"}) {
    std::set<std::string> keys;
    for (const identity::Identity& identity : callers) {
      keys.insert(key("acme", scope, identity));
      keys.insert(key("globex", scope, identity));
    }
    EXPECT_EQ(keys.size(), 2 * callers.size()) << scope;
  }
  std::set<std::string> keys;
  for (const char* scope : {"api_key", "user", "session", "ip", "tenant", "header:user"}) {
    keys.insert(key("acme", scope, callers[2]));
  }
  EXPECT_EQ(keys.size(), 6U);
}

TEST(BucketKeyTest, AFactThatIsNotShownIsReplacedByTheAddress) {
  identity::Identity stranger = caller();
  stranger.session.reset();
  stranger.api_key.clear();
  stranger.user.clear();
  stranger.headers.clear();
  EXPECT_EQ(key("acme", "session", stranger), "sluice:v3:{acme}:chat:session:@4:7f000001");
  EXPECT_EQ(key("acme", "api_key", stranger), "sluice:v3:{acme}:chat:api_key:@4:7f000001");
  EXPECT_EQ(key("acme", "user", stranger), "sluice:v3:{acme}:chat:user:@4:7f000001");
  EXPECT_EQ(key("acme", "header:x-device", stranger),
            "sluice:v3:{acme}:chat:header:x-device:@4:7f000001");
}

}  // namespace
}  // namespace sluice::limiter
