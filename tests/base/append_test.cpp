#include "base/append.h"

#include <limits>

#include <gtest/gtest.h>

namespace sluice {
namespace {

TEST(AppendTest, NumbersAreDecimal) {
  std::string text = "n=";
  for (const std::int64_t number :
       {std::int64_t{0}, std::int64_t{-7}, std::int64_t{1'000'000'000},
        std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()}) {
    append_number(text, number);
    text += ' ';
  }
  EXPECT_EQ(text, "n=0 -7 1000000000 -9223372036854775808 9223372036854775807 ");
  EXPECT_EQ(number_text(42), "42");
}

TEST(AppendTest, BytesAreTwoHexDigitsEach) {
  const std::array<std::uint8_t, 4> bytes{0x00, 0x0f, 0xa0, 0xff};
  std::string text = "4:";
  append_hex(text, bytes);
  EXPECT_EQ(text, "4:000fa0ff");
  append_hex(text, {});
  EXPECT_EQ(text, "4:000fa0ff");
}

}  // namespace
}  // namespace sluice
