// Whose address counts behind proxies and translators.
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "identity/resolver.h"
#include "manual_clock.h"

namespace sluice::identity {
namespace {

class ResolverAddressTest : public testing::Test {
 protected:
  ManualClock clock_;
  SessionTokens tokens_{{Secret{}}};
};

TEST_F(ResolverAddressTest, BehindATrustedProxyTheForwardedAddressCountsAndIsLookedUp) {
  Resolver::Options options;
  options.trusted_proxies = {*parse_network("10.0.0.0/8")};
  options.access.exempt.networks = {*parse_network("198.51.100.1")};
  options.access.deny.networks = {*parse_network("203.0.113.0/24"), *parse_network("10.0.0.1")};
  const Resolver resolver(tokens_, clock_, {"acme"}, options);
  const auto from = [&](std::string_view peer, std::vector<http::Param> params) {
    http::Request request;
    request.remote_address = peer;
    request.params = params;
    return resolver.resolve(request, Credentials::kNone);
  };
  constexpr std::string_view kHeader = "HTTP_X_FORWARDED_FOR";
  EXPECT_EQ(from("10.0.0.1", {{kHeader, "192.0.2.1"}})->address, "4:c0000201");
  EXPECT_EQ(from("10.0.0.2", {})->address, "4:0a000002");
  EXPECT_EQ(from("192.0.2.9", {{kHeader, "198.51.100.1"}})->address, "4:c0000209");
  // Two lines are one list.
  EXPECT_EQ(from("10.0.0.1", {{kHeader, "192.0.2.1"}, {kHeader, "192.0.2.2, 10.0.0.2"}})->address,
            "4:c0000202");
  EXPECT_EQ(from("10.0.0.2", {{kHeader, "192.0.2.1"}, {kHeader, ""}})->address, "4:c0000201");
  EXPECT_EQ(from("10.0.0.1", {{kHeader, "198.51.100.1"}})->standing, Standing::kExempt);
  EXPECT_EQ(from("10.0.0.2", {{kHeader, "203.0.113.7"}}).error().code, ErrorCode::kForbidden);
  EXPECT_EQ(from("10.0.0.1", {}).error().code, ErrorCode::kForbidden);
  EXPECT_TRUE(from("192.0.2.9", {{kHeader, "203.0.113.7"}}));
}

TEST_F(ResolverAddressTest, BehindATranslatorTheIpv4AddressIsWhoItIs) {
  Resolver::Options options;
  options.trusted_proxies = {*parse_network("10.0.0.0/8")};
  options.access.exempt.networks = {*parse_network("198.51.100.0/24")};
  options.access.deny.networks = {*parse_network("203.0.113.66"),
                                  *parse_network("64:ff9b::203.0.113.67")};
  const auto from = [&](std::string_view peer, std::string_view forwarded) {
    const Resolver resolver(tokens_, clock_, {"acme"}, options);
    const std::vector<http::Param> params{{"HTTP_X_FORWARDED_FOR", forwarded}};
    http::Request request;
    request.remote_address = peer;
    request.params = params;
    return resolver.resolve(request, Credentials::kNone);
  };
  EXPECT_EQ(from("64:ff9b::192.0.2.1", "")->address, "4:c0000201");
  EXPECT_EQ(from("64:ff9b::192.0.2.2", "")->address, "4:c0000202") << "two are not one";
  EXPECT_EQ(from("10.0.0.1", "64:ff9b::192.0.2.1")->address, "4:c0000201");
  EXPECT_EQ(from("64:ff9b::10.0.0.1", "192.0.2.1")->address, "4:c0000201") << "a proxy";
  EXPECT_EQ(from("10.0.0.1", "192.0.2.1, 64:ff9b::10.0.0.2")->address, "4:c0000201");
  EXPECT_EQ(from("64:ff9b::198.51.100.7", "")->standing, Standing::kExempt);
  EXPECT_FALSE(from("64:ff9b::203.0.113.66", ""));
  EXPECT_FALSE(from("64:ff9b::203.0.113.67", "")) << "a list may name it as it is shown";
  EXPECT_TRUE(from("203.0.113.67", ""));

  options.nat64_prefixes = {*parse_nat64_prefix("2001:db8:122::/48")};
  EXPECT_EQ(from("2001:db8:122:c000:2:100::", "")->address, "4:c0000201");
  EXPECT_EQ(from("64:ff9b::192.0.2.1", "")->address, "6:0064ff9b00000000");
  options.nat64_prefixes.clear();
  EXPECT_EQ(from("2001:db8:122:c000:2:100::", "")->address, "6:20010db80122c000");
}

}  // namespace
}  // namespace sluice::identity
