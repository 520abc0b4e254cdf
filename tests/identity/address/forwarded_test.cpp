#include "identity/address/forwarded.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace sluice::identity {
namespace {

const std::vector<Network> kProxies{*parse_network("10.0.0.0/8"), *parse_network("2001:db8::/32")};

struct Row {
  std::string peer;
  std::string forwarded_for;
  std::string client;
};

void expect_clients(const std::vector<Row>& rows, std::span<const Network> proxies = kProxies) {
  for (const Row& row : rows) {
    EXPECT_EQ(client_address(row.peer, row.forwarded_for, proxies), row.client)
        << row.peer << " for \"" << row.forwarded_for << '"';
  }
}

TEST(ForwardedTest, APeerThatIsNoTrustedProxyIsTheClientWhateverItSays) {
  expect_clients({{"192.0.2.1", "", "192.0.2.1"},
                  {"192.0.2.1", "198.51.100.7", "192.0.2.1"},
                  {"192.0.2.1", "198.51.100.7, 10.0.0.1", "192.0.2.1"},
                  {"11.0.0.1", "198.51.100.7", "11.0.0.1"},
                  {"2001:db9::1", "198.51.100.7", "2001:db9::1"},
                  {"unix:", "198.51.100.7", "unix:"},
                  {"", "198.51.100.7", ""}});
  expect_clients({{"10.0.0.1", "198.51.100.7", "10.0.0.1"}}, {});
}

TEST(ForwardedTest, TheClientIsTheRightMostHopThatIsNoTrustedProxy) {
  expect_clients({{"10.0.0.1", "198.51.100.7", "198.51.100.7"},
                  {"10.0.0.1", "203.0.113.1, 198.51.100.7", "198.51.100.7"},
                  {"10.0.0.1", "203.0.113.1,198.51.100.7,10.0.0.2", "198.51.100.7"},
                  {"10.0.0.1", "198.51.100.7, 10.0.0.3, 2001:db8::2", "198.51.100.7"},
                  {"2001:db8::1", "2001:db9::7, 10.0.0.2", "2001:db9::7"},
                  {"10.0.0.1", "10.0.0.9, 198.51.100.7, 10.0.0.2", "198.51.100.7"}});
}

TEST(ForwardedTest, WhereAllAreTrustedTheFirstOfThemIsTheClient) {
  expect_clients({{"10.0.0.1", "", "10.0.0.1"},
                  {"10.0.0.1", "10.0.0.2", "10.0.0.2"},
                  {"10.0.0.1", "10.0.0.4, 2001:db8::3, 10.0.0.2", "10.0.0.4"}});
}

TEST(ForwardedTest, NothingLeftOfAHopThatIsNoAddressIsBelieved) {
  for (const std::string garbage : {"unknown",
                                    "-",
                                    "_hidden",
                                    "localhost",
                                    "198.51.100",
                                    "198.51.100.256",
                                    "198.51.100.07",
                                    "198.51.100.7/32",
                                    "198.51.100.7 203.0.113.1",
                                    "0x0a000001",
                                    "167772161",
                                    "fe80::1%eth0",
                                    "\"198.51.100.7\"",
                                    "for=198.51.100.7",
                                    "unix:",
                                    ":",
                                    "::ffff:",
                                    ":::",
                                    "1:2:3:4:5:6:7:8:9",
                                    "\v198.51.100.7",
                                    "198.51.100.7\xff",
                                    "\302\240198.51.100.7"}) {
    expect_clients({{"10.0.0.1", garbage, "10.0.0.1"},
                    {"10.0.0.1", "203.0.113.1, " + garbage, "10.0.0.1"},
                    {"10.0.0.1", "203.0.113.1, " + garbage + ", 10.0.0.2", "10.0.0.2"},
                    {"10.0.0.1", garbage + ",198.51.100.7", "198.51.100.7"}});
  }
  expect_clients({{"10.0.0.1", std::string("198.51.100.7\0x", 14), "10.0.0.1"}});
}

TEST(ForwardedTest, AnEmptyElementIsNoHop) {
  for (const std::string nothing : {",", " ,", ", ", "\t,\t", ",,", " , ,\t, "}) {
    expect_clients({{"10.0.0.1", nothing, "10.0.0.1"},
                    {"10.0.0.1", "203.0.113.8" + nothing, "203.0.113.8"},
                    {"10.0.0.1", nothing + "203.0.113.8", "203.0.113.8"},
                    {"10.0.0.1", "203.0.113.8" + nothing + "10.0.0.2", "203.0.113.8"},
                    {"10.0.0.1", "203.0.113.8," + nothing + "10.0.0.2" + nothing, "203.0.113.8"},
                    {"10.0.0.1", "198.51.100.7, 203.0.113.8" + nothing, "203.0.113.8"},
                    {"10.0.0.1", "203.0.113.8, unknown" + nothing, "10.0.0.1"},
                    {"10.0.0.1", nothing + "10.0.0.2" + nothing, "10.0.0.2"}});
  }
  expect_clients({{"10.0.0.1", " ", "10.0.0.1"}, {"10.0.0.1", "\t", "10.0.0.1"}});
}

TEST(ForwardedTest, EmptyElementsCountForNoHopAndCostNoMoreThanTheirBytes) {
  const std::string commas(8'192, ',');
  expect_clients({{"10.0.0.1", commas, "10.0.0.1"},
                  {"10.0.0.1", "203.0.113.8" + commas, "203.0.113.8"},
                  {"10.0.0.1", "203.0.113.8" + commas + "10.0.0.2", "203.0.113.8"}});
  std::string proxies;
  for (int hop = 1; hop < kMaxForwardedHops; ++hop) proxies += ",,10.0.1." + std::to_string(hop);
  expect_clients({{"10.0.0.1", "203.0.113.8" + proxies, "203.0.113.8"}});
}

TEST(ForwardedTest, AHopMayHaveAPortBracketsAndBlanksAroundIt) {
  expect_clients({{"10.0.0.1", " \t198.51.100.7\t ", "198.51.100.7"},
                  {"10.0.0.1", "198.51.100.7:0", "198.51.100.7"},
                  {"10.0.0.1", "198.51.100.7:65535", "198.51.100.7"},
                  {"10.0.0.1", "198.51.100.7:00080", "198.51.100.7"},
                  {"10.0.0.1", "[2001:db9::1]", "2001:db9::1"},
                  {"10.0.0.1", "[2001:db9::1]:443 ", "2001:db9::1"},
                  {"10.0.0.1", "198.51.100.7:1 , [2001:db8::1]:2 , 10.0.0.2:3", "198.51.100.7"}});
  for (const char* wrong : {"198.51.100.7:",       "198.51.100.7:65536", "198.51.100.7:100000",
                            "198.51.100.7:+1",     "198.51.100.7:-1",    "198.51.100.7:0x1",
                            "198.51.100.7:8a",     "198.51.100.7: 80",   "198.51.100.7 :80",
                            "[198.51.100.7]",      "[198.51.100.7]:80",  "[2001:db9::1",
                            "2001:db9::1]",        "[2001:db9::1]80",    "[2001:db9::1]:",
                            "[2001:db9::1]:65536", "[[2001:db9::1]]",    "[]",
                            "[2001:db9::1%lo]",    "[ 2001:db9::1 ]",    "[2001:db9::1]x:80"}) {
    expect_clients({{"10.0.0.1", wrong, "10.0.0.1"}});
  }
}

TEST(ForwardedTest, AMappedAddressIsAnIpv4AddressAsPeerAndAsHop) {
  expect_clients({{"::ffff:10.0.0.1", "198.51.100.7", "198.51.100.7"},
                  {"::ffff:a00:1", "198.51.100.7, ::ffff:10.0.0.2", "198.51.100.7"},
                  {"10.0.0.1", "[::ffff:198.51.100.7]:80", "::ffff:198.51.100.7"},
                  {"::ffff:11.0.0.1", "198.51.100.7", "::ffff:11.0.0.1"}});
  expect_clients({{"10.0.0.1", "198.51.100.7", "198.51.100.7"}, {"::1", "198.51.100.7", "::1"}},
                 std::vector{*parse_network("::ffff:10.0.0.0/104")});
}

TEST(ForwardedTest, NoMoreHopsAreLookedAtThanTheBound) {
  std::string proxies;
  for (int hop = 1; hop < kMaxForwardedHops; ++hop) proxies += ", 10.0.1." + std::to_string(hop);
  expect_clients({{"10.0.0.1", "198.51.100.7" + proxies, "198.51.100.7"},
                  {"10.0.0.1", "198.51.100.7, 10.0.2.2" + proxies, "10.0.2.2"},
                  {"10.0.0.1", "198.51.100.7, 10.0.2.3, 10.0.2.2" + proxies, "10.0.2.2"}});
}

}  // namespace
}  // namespace sluice::identity
