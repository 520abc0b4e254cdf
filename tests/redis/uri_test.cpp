#include "redis/uri.h"

#include <gtest/gtest.h>

namespace sluice::redis {
namespace {

struct Row {
  const char* text;
  const char* masked;
  const char* password;
};

TEST(UriTest, ReadsEveryFormAndMasksThePassword) {
  const std::vector<Row> rows{
      {"redis://redis:6379/0", "redis://redis:6379/0", ""},
      {"redis://localhost", "redis://localhost:6379/0", ""},
      {"redis://localhost/", "redis://localhost:6379/0", ""},
      {"redis://:s3cret@h:1/2", "redis://:***@h:1/2", "s3cret"},
      {"redis://user:p%40ss@h", "redis://user:***@h:6379/0", "p@ss"},
      {"redis://user:a@b@h", "redis://user:***@h:6379/0", "a@b"},
      {"redis://[::1]:7000/3", "redis://[::1]:7000/3", ""},
      {"redis://:what?@h", "redis://:***@h:6379/0", "what?"},
      {"rediss://h", "rediss://h:6379/0", ""},
      {"rediss://user:s3cret@h:1/2?ca=/ca.pem&cert=/c.pem&key=/k.pem", "rediss://user:***@h:1/2",
       "s3cret"},
      {"rediss://:a%3Fb@[::1]/?ca=/a%40b", "rediss://:***@[::1]:6379/0", "a?b"},
      {"unix:///run/redis.sock", "unix:///run/redis.sock?db=0", ""},
      {"redis+unix:///run/redis.sock?db=5", "unix:///run/redis.sock?db=5", ""},
      {"unix:///run/a@b/redis.sock", "unix:///run/a@b/redis.sock?db=0", ""},
      {"unix://u:p@w@/run/a@b/redis.sock", "unix://u:***@/run/a@b/redis.sock?db=0", "p@w"},
      {"unix://u:pw@/run/redis.sock", "unix://u:***@/run/redis.sock?db=0", "pw"},
      // A user is shown as it has to be written.
      {"redis://a%3Ab%40%2f%25:pw@h", "redis://a%3Ab%40%2F%25:***@h:6379/0", "pw"},
      {"redis://%01%c3%a9:pw@h", "redis://%01%C3%A9:***@h:6379/0", "pw"},
  };
  for (const Row& row : rows) {
    const auto uri = parse_uri(row.text);
    ASSERT_TRUE(uri) << row.text << ": " << uri.error().detail;
    EXPECT_EQ(uri->masked(), row.masked) << row.text;
    EXPECT_EQ(uri->password, row.password) << row.text;
  }
}

TEST(UriTest, KnowsTheFilesOfTls) {
  const auto plain = parse_uri("redis://h");
  EXPECT_FALSE(plain->tls);
  const auto bare = parse_uri("rediss://h");
  ASSERT_TRUE(bare->tls);
  EXPECT_EQ(bare->tls->ca + bare->tls->cert + bare->tls->key, "");
  const auto full = parse_uri("rediss://h:1/2?key=/k%20k.pem&ca=/ca.pem&cert=/c.pem");
  ASSERT_TRUE(full && full->tls);
  EXPECT_EQ(full->tls->ca, "/ca.pem");
  EXPECT_EQ(full->tls->cert, "/c.pem");
  EXPECT_EQ(full->tls->key, "/k k.pem");
  EXPECT_EQ(full->db, 2);
  EXPECT_EQ(full->port, 1);
}

std::string repeat(std::string_view text, std::size_t times) {
  std::string all;
  for (std::size_t i = 0; i < times; ++i) all += text;
  return all;
}

TEST(UriTest, KnowsEveryHostThatCanBeLookedUp) {
  const std::vector<std::string> hosts{"h",
                                       "redis-0.redis.default.svc.cluster.local",
                                       "redis.example.",
                                       "app_redis_1",
                                       "_redis._tcp.example",
                                       "xn--bcher-kva.example",
                                       "REDIS",
                                       "10.0.0.1",
                                       "1",
                                       std::string(63, 'x'),
                                       repeat("x.", 126) + "x",
                                       "[::1]",
                                       "[fd00::10.0.0.1]",
                                       "[fe80::1%eth0.5]"};
  for (const std::string& host : hosts) {
    for (const std::string scheme : {"redis://", "rediss://"}) {
      for (const std::string rest : {"", ":6379", "/0"}) {
        const auto uri = parse_uri(scheme + host + rest);
        ASSERT_TRUE(uri) << scheme << host << rest << ": " << uri.error().detail;
      }
    }
  }
}

TEST(UriTest, RefusesAHostThatCannotBeLookedUpAndSaysWhy) {
  const std::string name = "letters, digits, - and _ alone";
  const std::string part = "1 to 63 bytes";
  const std::string address = "no IPv6 address";
  const std::vector<std::pair<std::string, std::string>> rows{
      {"h\xff", "punycode"},
      {"b\xc3\xbc"
       "cher.example",
       "punycode"},
      {"\xe2\x80\x8b", "punycode"},
      {"h%00", name},
      {"h%2e", name},
      {" h", name},
      {"h ", name},
      {"h\tx", name},
      {"h\r\nx", name},
      {"h\x01", name},
      {"h\x7f", name},
      {"h,h2", name},
      {"h*", name},
      {"[h", "no closing bracket"},
      {"h]", name},
      {".", part},
      {".h", part},
      {"h..x", part},
      {"h..", part},
      {std::string(64, 'x'), part},
      {"h." + std::string(64, 'x') + ".example", part},
      {std::string(300, 'x'), "longer than 253 bytes"},
      {repeat("x.", 127) + "x", "longer than 253 bytes"},
      {"[]", address},
      {"[:]", address},
      {"[::1::]", address},
      {"[12345::]", address},
      {"[::g]", address},
      {"[10.0.0.1]", address},
      {"[h]", address},
      {"[::1 ]", address},
      {"[::1%]", address},
      {"[::1%an-interface-of-16]", address},
      {"[::1%\xff]", address},
      {"[[::1]]", address}};
  for (const auto& [host, why] : rows) {
    for (const std::string scheme : {"redis://", "rediss://", "redis://u:s3cret@"}) {
      const auto uri = parse_uri(scheme + host + ":6379");
      ASSERT_FALSE(uri) << scheme << host;
      EXPECT_NE(uri.error().detail.find(why), std::string::npos) << uri.error().detail;
      EXPECT_EQ(uri.error().detail.find(host + ":6379"), std::string::npos) << "is repeated";
    }
  }
}

// Made for C, it would end there: a password cut short, or another socket.
TEST(UriTest, RefusesANul) {
  for (const std::string_view text :
       {std::string_view("redis://:a\0b@h", 14), std::string_view("unix:///s\0.sock", 15)}) {
    EXPECT_FALSE(parse_uri(text));
  }
}

TEST(UriTest, WhatItShowsNamesTheSameUser) {
  const auto uri = parse_uri("redis://a%3Ab:pw@h");
  ASSERT_TRUE(uri);
  EXPECT_EQ(uri->user, "a:b");
  EXPECT_EQ(parse_uri(uri->masked())->user, "a:b");
}

TEST(UriTest, RefusesTheRestWithoutRepeatingAPassword) {
  for (const char* text : {"",
                           "localhost",
                           "http://h",
                           "redis://h?ca=/ca.pem",
                           "redis://h/0?ca=/ca.pem",
                           "rediss://",
                           "rediss://?ca=/ca.pem",
                           "rediss://h?ca=ca.pem",
                           "rediss://h?ca",
                           "rediss://h?ca=",
                           "rediss://h?ca=/ca.pem&ca=/ca.pem",
                           "rediss://h?ca=/ca.pem%00",
                           "rediss://h?cert=/c.pem",
                           "rediss://h?key=/k.pem",
                           "rediss://h?verify=none",
                           "rediss://h/x?ca=/ca.pem",
                           "rediss://:s3cret@h?ca=/a@b",
                           "redis://",
                           "redis://:6379",
                           "redis://h:0",
                           "redis://h:65536",
                           "redis://h:x",
                           "redis://h/x",
                           "redis://h/-1",
                           "redis://[::1",
                           "redis://[::1]x",
                           "redis://[[h]",
                           "redis://nocolon@h",
                           "redis://u:@h",
                           "redis://u:%zz@h",
                           "redis://u:s3cret%0@h",
                           "unix://relative",
                           "unix:///s?db=x",
                           "unix:///s?x=1",
                           "redis://u:s3cret@h:99999"}) {
    const auto uri = parse_uri(text);
    ASSERT_FALSE(uri) << text;
    EXPECT_EQ(uri.error().detail.find("s3cret"), std::string::npos) << text;
  }
  EXPECT_FALSE(parse_uri("unix:///" + std::string(107, 'x')));
}

}  // namespace
}  // namespace sluice::redis
