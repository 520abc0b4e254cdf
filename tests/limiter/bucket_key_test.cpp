#include "limiter/bucket_key.h"

#include <gtest/gtest.h>

namespace sluice::limiter {
namespace {

using limits::Limit;
using limits::Scope;

identity::Identity caller() {
  identity::Identity identity;
  identity.address = "4:7f000001";
  identity.tenant = "acme";
  identity.session = SessionId{0x01, 0xab};
  return identity;
}

std::string key(const std::string& tenant, Scope scope) {
  const Limit limit{.name = "chat", .tenant = tenant, .scope = scope, .rate = {}};
  return bucket_key("sluice", limit, caller());
}

TEST(BucketKeyTest, EveryKeyOfATenantIsUnderItsHashTag) {
  EXPECT_EQ(key("acme", Scope::kSession),
            "sluice:v1:{acme}:chat:session:01ab0000000000000000000000000000");
  EXPECT_EQ(key("acme", Scope::kTenant), "sluice:v1:{acme}:chat:tenant");
  EXPECT_EQ(key("acme", Scope::kIp), "sluice:v1:{acme}:chat:ip:4:7f000001");
}

TEST(BucketKeyTest, ADefaultIsKeyedByTheAddressAlone) {
  EXPECT_EQ(key("", Scope::kIp), "sluice:v1:{@4:7f000001}:chat:ip");
  EXPECT_EQ(key("", Scope::kGlobal), "sluice:v1:{@}:chat:global");
}

}  // namespace
}  // namespace sluice::limiter
