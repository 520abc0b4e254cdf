// The characters of a text file, and whether who reads it can see them.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace sluice {

// How a character looks to who edits the file.
enum class Sight {
  kPlain,    // ASCII that can be seen, a space, a tab, or an end of line
  kForeign,  // any other that can be seen
  kUnseen,   // cannot be seen
  kBlank,    // looks like a space, and is another character
  kTurning,  // changes the order in which the characters of its line are shown
  kBroken,   // a byte that is not UTF-8
};

struct Character {
  std::size_t size = 1;  // in bytes
  char32_t code = 0;     // of kBroken the byte
  Sight sight = Sight::kPlain;
  std::string_view name = {};  // as Unicode has it; empty for most

  // "U+200B ZERO WIDTH SPACE", "U+0430", or of kBroken "byte e4".
  [[nodiscard]] std::string text() const;
};

// The character at the front. REQUIRES: `text` is not empty.
[[nodiscard]] Character first_character(std::string_view text);

// The text without the byte order mark that some editors put in front of it.
[[nodiscard]] std::string_view without_byte_order_mark(std::string_view text);

// "U+200B ZERO WIDTH SPACE in column 7 cannot be seen; remove it"; nothing for kPlain and kForeign.
// Columns count characters, from 1.
[[nodiscard]] std::optional<std::string> complaint_of(const Character& character,
                                                      std::size_t column);

// What complaint_of() says of the first character in `line` that it complains of.
[[nodiscard]] std::optional<std::string> unseen_in(std::string_view line);

}  // namespace sluice
