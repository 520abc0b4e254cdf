#include "base/character.h"

#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

namespace sluice {
namespace {

TEST(CharacterTest, IsDecodedFromUtf8AndNothingElse) {
  struct Row {
    std::string_view text;
    std::size_t size;
    std::uint32_t code;
    Sight sight;
  };
  const std::vector<Row> rows{
      {"a", 1, 'a', Sight::kPlain},
      {" b", 1, ' ', Sight::kPlain},
      {"\t", 1, '\t', Sight::kPlain},
      {"\r", 1, '\r', Sight::kPlain},
      {"\x7f", 1, 0x7f, Sight::kUnseen},
      {"\x1b", 1, 0x1b, Sight::kUnseen},
      {"\xc2\x80", 2, 0x80, Sight::kUnseen},
      {"\xc3\xa4x", 2, 0xe4, Sight::kForeign},
      {"\xe0\xa0\x80", 3, 0x800, Sight::kForeign},
      {"\xe2\x80\x8b", 3, 0x200b, Sight::kUnseen},
      {"\xe2\x80\xae", 3, 0x202e, Sight::kTurning},
      {"\xe3\x80\x80", 3, 0x3000, Sight::kBlank},
      {"\xf0\x9f\x98\x80", 4, 0x1f600, Sight::kForeign},
      {"\xf3\xa0\x80\xa0", 4, 0xe0020, Sight::kUnseen},
      {"\xf4\x8f\xbf\xbf", 4, 0x10ffff, Sight::kForeign},
      {"\x80", 1, 0x80, Sight::kBroken},              // goes on with nothing
      {"\xe4", 1, 0xe4, Sight::kBroken},              // Latin-1
      {"\xe4x", 1, 0xe4, Sight::kBroken},             // breaks off
      {"\xe2\x80", 1, 0xe2, Sight::kBroken},          // breaks off
      {"\xc0\xaf", 1, 0xc0, Sight::kBroken},          // longer than need be
      {"\xe0\x80\xaf", 1, 0xe0, Sight::kBroken},      // the same
      {"\xf0\x80\x80\xaf", 1, 0xf0, Sight::kBroken},  // the same
      {"\xed\xa0\x80", 1, 0xed, Sight::kBroken},      // half of a UTF-16 pair
      {"\xf4\x90\x80\x80", 1, 0xf4, Sight::kBroken},  // beyond Unicode
      {"\xff\xfe", 1, 0xff, Sight::kBroken},          // UTF-16
  };
  for (const Row& row : rows) {
    const Character character = first_character(row.text);
    EXPECT_EQ(character.size, row.size) << testing::PrintToString(row.text);
    EXPECT_EQ(static_cast<std::uint32_t>(character.code), row.code);
    EXPECT_EQ(character.sight, row.sight) << testing::PrintToString(row.text);
  }
}

TEST(CharacterTest, AnUnseenOneIsNamedWithItsColumnAndWhatToDo) {
  EXPECT_EQ(unseen_in(""), std::nullopt);
  EXPECT_EQ(unseen_in("a\tb \xc3\xa4 \xe2\x80\x9c"), std::nullopt);
  EXPECT_EQ(unseen_in("\xc3\xa4\xe2\x80\x8b\xc2\xa0"),
            "U+200B ZERO WIDTH SPACE in column 2 cannot be seen; remove it");
  EXPECT_EQ(unseen_in("\xc2\xa0"),
            "U+00A0 NO-BREAK SPACE in column 1 only looks like a space; type a space in its place");
  EXPECT_EQ(unseen_in("ab\x7f"), "U+007F in column 3 cannot be seen; remove it");
  EXPECT_EQ(unseen_in("\xe4"), "byte e4 in column 1 is not UTF-8; save the file as UTF-8");
  EXPECT_EQ(unseen_in("\xe2\x80\xae"),
            "U+202E RIGHT-TO-LEFT OVERRIDE in column 1 changes the order in which its line is "
            "shown; remove it");
}

TEST(CharacterTest, OnlyTheFirstByteOrderMarkIsLeftOut) {
  EXPECT_EQ(without_byte_order_mark("\xef\xbb\xbf\xef\xbb\xbf"), "\xef\xbb\xbf");
  EXPECT_EQ(without_byte_order_mark("a\xef\xbb\xbf"), "a\xef\xbb\xbf");
  EXPECT_EQ(without_byte_order_mark("\xef\xbb"), "\xef\xbb");
}

}  // namespace
}  // namespace sluice
