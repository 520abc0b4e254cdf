#include "identity/address/nat64.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace sluice::identity {
namespace {

constexpr int kWhole = 128;

// The counting key of what `address` stands for, with one prefix.
std::string meant(std::string_view prefix, std::string_view address) {
  const Nat64Prefixes prefixes{*parse_nat64_prefix(prefix)};
  const auto shown = parse_address(address);
  const auto v4 = v4_in(*shown, prefixes);
  return canonical_address(v4 ? v4 : shown, kWhole);
}

// RFC 6052 section 2.4.
TEST(Nat64Test, FindsTheAddressWhereTheRfcPutsIt) {
  struct Row {
    const char* prefix;
    const char* address;
  };
  const std::vector<Row> rows{{"2001:db8::/32", "2001:db8:c000:221::"},
                              {"2001:db8:100::/40", "2001:db8:1c0:2:21::"},
                              {"2001:db8:122::/48", "2001:db8:122:c000:2:2100::"},
                              {"2001:db8:122:300::/56", "2001:db8:122:3c0:0:221::"},
                              {"2001:db8:122:344::/64", "2001:db8:122:344:c0:2:2100::"},
                              {"2001:db8:122:344::/96", "2001:db8:122:344::192.0.2.33"},
                              {"64:ff9b::/96", "64:ff9b::192.0.2.33"},
                              {"64:ff9b:1::/48", "64:ff9b:1:c000:2:2100::"}};
  for (const auto& [prefix, address] : rows) EXPECT_EQ(meant(prefix, address), "4:c0000221");
}

TEST(Nat64Test, NobodyGetsMoreAddressesByTheBitsAroundIt) {
  EXPECT_EQ(meant("2001:db8::/32", "2001:db8:c000:221:ffff:ffff:ffff:ffff"), "4:c0000221");
  EXPECT_EQ(meant("2001:db8:122:344::/64", "2001:db8:122:344:ffc0:2:21ff:ffff"), "4:c0000221");
}

TEST(Nat64Test, OutsideThePrefixAnAddressStandsForItself) {
  for (const char* address : {"64:ff9c::192.0.2.33", "64:ff9b::1:c000:221", "2001:db8::1", "::1"}) {
    EXPECT_TRUE(meant("64:ff9b::/96", address).starts_with("6:")) << address;
  }
  for (const char* address : {"192.0.2.33", "::ffff:192.0.2.33"}) {
    EXPECT_EQ(meant("64:ff9b::/96", address), "4:c0000221") << address;
  }
  EXPECT_FALSE(v4_in(*parse_address("64:ff9b::192.0.2.33"), {}));
}

TEST(Nat64Test, TheWellKnownPrefixIsTheOneOfTheRfc) {
  EXPECT_TRUE(v4_in(*parse_address("64:ff9b::192.0.2.33"), well_known_nat64_prefixes()));
  EXPECT_FALSE(v4_in(*parse_address("64:ff9b:1::192.0.2.33"), well_known_nat64_prefixes()));
}

TEST(Nat64Test, OnlyLengthsOfTheRfcArePrefixes) {
  for (int bits = 0; bits <= 128; ++bits) {
    const bool good =
        bits == 32 || bits == 40 || bits == 48 || bits == 56 || bits == 64 || bits == 96;
    EXPECT_EQ(parse_nat64_prefix("::/" + std::to_string(bits)).has_value(), good) << bits;
  }
  for (const char* text : {"10.0.0.0/8", "192.0.2.1", "0.0.0.0/0", "::ffff:0:0/96",
                           "64:ff9b::", "64:ff9b::1/96", "nat64", ""}) {
    const auto prefix = parse_nat64_prefix(text);
    ASSERT_FALSE(prefix) << text;
    EXPECT_EQ(prefix.error().code, ErrorCode::kInvalidConfig) << text;
  }
}

}  // namespace
}  // namespace sluice::identity
