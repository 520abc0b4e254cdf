#include "redis/resp_bounds.h"

#include <gtest/gtest.h>
#include <hiredis.h>

namespace sluice::redis {
namespace {

std::string repeat(std::string_view text, std::size_t times) {
  std::string all;
  for (std::size_t i = 0; i < times; ++i) all += text;
  return all;
}

std::string bulk(std::size_t size) {
  return "$" + std::to_string(size) + "\r\n" + std::string(size, 'x') + "\r\n";
}

// Fed `step` bytes at a time: what was wrong, and how many bytes had been fed by then.
struct Verdict {
  std::string wrong;
  std::size_t fed = 0;
};

Verdict feed(std::string_view bytes, std::size_t step) {
  RespBounds bounds;
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    const std::string_view piece = bytes.substr(at, step);
    if (auto wrong = bounds.feed(piece)) return {*wrong, at + piece.size()};
  }
  return {"", bytes.size()};
}

struct Row {
  const char* name;
  std::string bytes;
};

TEST(RespBoundsTest, AReplyBeyondABoundIsRefusedWithItsHeader) {
  // Of each, the last line or byte is the one that breaks a bound.
  const std::vector<Row> rows{
      {"array", "*2147483647\r\n"},
      {"array, one too long", "*1025\r\n"},
      {"bulk", "$2147483647\r\n"},
      {"bulk, one too long", "$1048577\r\n"},
      {"bulk below nothing", "$-5\r\n"},
      {"array below nothing", "*-2\r\n"},
      {"bulk beyond 64 bits", "$99999999999999999999\r\n"},
      {"array beyond 64 bits", "*99999999999999999999\r\n"},
      {"bulk without a length", "$\r\n"},
      {"array without a length", "*\r\n"},
      {"length with a sign", "$+5\r\n"},
      {"length with a space", "* 1\r\n"},
      {"length that is a word", "*many\r\n"},
      {"arrays in an array", "*1000\r\n*1000\r\n"},
      {"arrays that are short",
       "*32\r\n" + repeat("*32\r\n" + repeat(":1\r\n", 32), 30) + "*33\r\n"},
      {"depth", repeat("*1\r\n", 8)},
      {"bulks in an array", "*3\r\n" + bulk(500'000) + bulk(500'000) + "$100000\r\n"},
      {"endless status", "+" + std::string(65'536, 'x')},
      {"endless error", "-" + std::string(65'536, 'x')},
      {"endless number", ":" + std::string(65'536, '1')},
      {"endless header", "*" + std::string(65'536, '1')},
      {"line of no line's end", "+" + repeat("\n", 65'536)},
      {"after good replies", "+OK\r\n" + bulk(10) + "*2\r\n:1\r\n$-1\r\n*2147483647\r\n"},
      {"a web server", "H"},
      {"a line's end", "\r"},
      {"a newer protocol", "%"},
      {"bytes behind a bulk", "$2\r\nabcdx"},
  };
  for (const auto& [name, bytes] : rows) {
    for (const std::size_t step : {std::size_t{1}, std::size_t{7}, bytes.size()}) {
      const Verdict verdict = feed(bytes, step);
      EXPECT_NE(verdict.wrong, "") << name << " by " << step;
      EXPECT_EQ(verdict.fed, bytes.size()) << name << " by " << step << ", before its last byte";
    }
  }
}

// hiredis is what parses them in the end: both must see the same replies.
TEST(RespBoundsTest, RepliesWithinTheBoundsPassHoweverTheyAreCut) {
  const std::vector<Row> rows{
      {"each type", "+OK\r\n-ERR no\r\n:-7\r\n$3\r\nabc\r\n$0\r\n\r\n$-1\r\n*0\r\n*-1\r\n"},
      {"line ends in a bulk", "$6\r\n\r\n*9\r\n\r\n+x\r\n"},
      {"time", "*2\r\n$10\r\n1800000000\r\n$6\r\n123456\r\n"},
      {"nested", "*3\r\n*2\r\n:1\r\n*0\r\n*-1\r\n*1\r\n*1\r\n$1\r\nx\r\n+next\r\n"},
      {"carriage returns in a line", "+a\rb\r\n:1\r\n"},
  };
  for (const auto& [name, bytes] : rows) {
    for (std::size_t step = 1; step <= bytes.size(); ++step) {
      EXPECT_EQ(feed(bytes, step).wrong, "") << name << " by " << step;
    }
    redisReader* const reader = redisReaderCreate();
    redisReaderFeed(reader, bytes.data(), bytes.size());
    void* reply = nullptr;
    do {
      if (reply) freeReplyObject(reply);
      ASSERT_EQ(redisReaderGetReply(reader, &reply), REDIS_OK) << name;
    } while (reply);
    EXPECT_EQ(reader->pos, reader->len) << name;
    redisReaderFree(reader);
  }
}

TEST(RespBoundsTest, WhatIsAsLargeAsABoundPassesAndTheNextReplyBeginsAnew) {
  const std::string wide = "*1024\r\n" + repeat(":1\r\n", 1024);
  const std::string deep = repeat("*1\r\n", 7) + ":1\r\n";
  const std::string large = bulk(1'048'000);
  const std::string line = "+" + std::string(65'533, 'x') + "\r\n";
  EXPECT_EQ(feed(repeat(wide + deep + large + line, 3), 65'536).wrong, "");
}

}  // namespace
}  // namespace sluice::redis
