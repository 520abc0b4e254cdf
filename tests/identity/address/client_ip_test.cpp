#include "identity/address/client_ip.h"

#include <gtest/gtest.h>

namespace sluice::identity {
namespace {

struct Row {
  std::string_view text;
  int prefix;
  const char* canonical;
};

TEST(ClientIpTest, FollowsTheTable) {
  const std::vector<Row> rows{
      {"127.0.0.1", 64, "4:7f000001"},
      {"203.0.113.255", 64, "4:cb0071ff"},
      {"::ffff:203.0.113.255", 64, "4:cb0071ff"},
      {"::ffff:cb00:71ff", 64, "4:cb0071ff"},
      {"2001:db8::1", 64, "6:20010db800000000"},
      {"2001:DB8:0:0:ffff::2", 64, "6:20010db800000000"},
      {"2001:db8:0:1::1", 64, "6:20010db800000001"},
      {"2001:db8:0:1::1", 56, "6:20010db8000000"},
      {"2001:db8:0:80::1", 57, "6:20010db800000080"},
      {"::1", 128, "6:00000000000000000000000000000001"},
      {"unix:", 64, "-"},
      {"", 64, "-"},
      {"127.0.0.1 ", 64, "-"},
      {"127.1", 64, "-"},
      {{"127.0.0.1\0x", 11}, 64, "-"},
      {"0000:0000:0000:0000:0000:ffff:203.000.113.255", 64, "-"},
      {"0000:0000:0000:0000:0000:ffff:203.100.113.255", 64, "4:cb6471ff"},
      {"fe80::1%eth0", 64, "-"},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(canonical_address(row.text, row.prefix), row.canonical) << row.text;
  }
}

TEST(ClientIpTest, ReadsForPeopleAsItIsWritten) {
  const std::vector<std::pair<std::string_view, std::string_view>> rows{
      {"4:7f000001", "127.0.0.1"},
      {"4:cb0071ff", "203.0.113.255"},
      {"6:20010db800000001", "2001:db8:0:1::"},
      {"6:20010db8000000", "2001:db8::"},
      {"6:00000000000000000000000000000001", "::1"},
      {"6:ff", "ff00::"},
      {"-", "-"},
      {"", ""},
  };
  for (const auto& [canonical, text] : rows) EXPECT_EQ(readable_address(canonical), text);
}

}  // namespace
}  // namespace sluice::identity
