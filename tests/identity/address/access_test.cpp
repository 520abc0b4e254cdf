#include "identity/address/access.h"

#include <gtest/gtest.h>

namespace sluice::identity {
namespace {

TEST(NetworkTest, MatchesTheAddressesThatShareItsPrefix) {
  struct Row {
    const char* network;
    const char* address;
    bool matches;
  };
  const std::vector<Row> rows{
      {"10.0.0.0/8", "10.255.255.255", true},
      {"10.0.0.0/8", "11.0.0.0", false},
      {"10.0.0.0/8", "::ffff:10.1.2.3", true},
      {"10.0.0.0/8", "::ffff:b01:203", false},
      {"203.0.113.7", "203.0.113.7", true},
      {"203.0.113.7", "203.0.113.6", false},
      {"203.0.113.7/32", "203.0.113.7", true},
      {"203.0.113.6/31", "203.0.113.7", true},
      {"0.0.0.0/0", "255.1.2.3", true},
      {"0.0.0.0/0", "::1", false},
      {"::/0", "::1", true},
      {"::/0", "1.2.3.4", false},
      {"::/0", "::ffff:1.2.3.4", false},
      {"2001:db8::/32", "2001:db8:ffff::1", true},
      {"2001:db8::/32", "2001:db9::", false},
      {"2001:db8::1", "2001:db8::1", true},
      {"2001:db8::1", "2001:db8::2", false},  // though both count as one client
      {"2001:DB8::/33", "2001:db8:7fff::", true},
      {"2001:DB8::/33", "2001:db8:8000::", false},
      {"::ffff:10.0.0.0/104", "10.1.2.3", true},
      {"::ffff:10.0.0.1", "10.0.0.1", true},
      {"0.0.0.0/0", "unix:", false},
      {"::/0", "", false},
  };
  for (const Row& row : rows) {
    const auto network = parse_network(row.network);
    ASSERT_TRUE(network) << row.network << ": " << network.error().detail;
    EXPECT_EQ(network->matches(row.address), row.matches) << row.network << " " << row.address;
  }
}

TEST(NetworkTest, KnowsWhetherItIsAllOfAFamily) {
  for (const char* all : {"0.0.0.0/0", "::/0", "::ffff:0:0/96"}) {
    EXPECT_TRUE(parse_network(all)->is_everything()) << all;
  }
  for (const char* some : {"0.0.0.0/1", "0.0.0.0", "::/1", "::/96", "10.0.0.0/8"}) {
    EXPECT_FALSE(parse_network(some)->is_everything()) << some;
  }
}

TEST(NetworkTest, WhatIsNoneIsRefusedWithWhatToWrite) {
  const std::string kinds =
      "is no address or network; write one as in 10.0.0.0/8, 203.0.113.7 or 2001:db8::/32";
  const std::vector<std::pair<std::string, std::string>> rows{
      {"", kinds},
      {"localhost", kinds},
      {"10.0.0/8", kinds},
      {" 10.0.0.0/8", kinds},
      {"10.0.0.256", kinds},
      {"/8", kinds},
      {"fe80::1%eth0", kinds},
      {"10.0.0.0/", "after the / stands a number from 0 to 32"},
      {"10.0.0.0/33", "after the / stands a number from 0 to 32"},
      {"10.0.0.0/-1", "after the / stands a number from 0 to 32"},
      {"10.0.0.0/8x", "after the / stands a number from 0 to 32"},
      {"10.0.0.0/8/8", "after the / stands a number from 0 to 32"},
      {"10.0.0.0/255.0.0.0", "after the / stands a number from 0 to 32"},
      {"::/129", "after the / stands a number from 0 to 128"},
      {"10.0.0.1/8", "has bits beyond its prefix; write 10.0.0.0/8"},
      {"203.0.113.7/31", "has bits beyond its prefix; write 203.0.113.6/31"},
      {"2001:db8::1/32", "has bits beyond its prefix; write 2001:db8::/32"},
      {"::ffff:10.0.0.1/104", "has bits beyond its prefix; write 10.0.0.0/8"},
      {"::1/0", "has bits beyond its prefix; write ::/0"},
  };
  for (const auto& [text, why] : rows) {
    const auto network = parse_network(text);
    ASSERT_FALSE(network) << text;
    EXPECT_EQ(network.error().code, ErrorCode::kInvalidConfig) << text;
    EXPECT_EQ(network.error().detail, "\"" + text + "\": " + why);
  }
}

TEST(AccessListTest, HoldsNetworksAndTenants) {
  AccessList list;
  EXPECT_FALSE(list.has_address("10.0.0.1"));
  list.networks = {*parse_network("192.0.2.0/24"), *parse_network("10.0.0.0/8")};
  list.tenants = {"acme"};
  EXPECT_TRUE(list.has_address("10.0.0.1"));
  EXPECT_FALSE(list.has_address("9.0.0.1"));
  EXPECT_FALSE(list.has_address("unix:"));
  EXPECT_TRUE(list.has_tenant("acme"));
  EXPECT_FALSE(list.has_tenant(""));
}

}  // namespace
}  // namespace sluice::identity
