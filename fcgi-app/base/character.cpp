#include "base/character.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include <fmt/format.h>

namespace sluice {
namespace {

struct Range {
  char32_t first;
  char32_t last;
  Sight sight;
  std::string_view name;  // of a range of one
};

constexpr Range one(char32_t code, Sight sight, std::string_view name) {
  return {code, code, sight, name};
}

// What is not ASCII and is not seen as what it is; in ascending order.
constexpr auto kHidden = std::to_array<Range>({
    Range{0x80, 0x9f, Sight::kUnseen, ""},  // controls
    one(0xa0, Sight::kBlank, "NO-BREAK SPACE"),
    one(0xad, Sight::kUnseen, "SOFT HYPHEN"),
    one(0x34f, Sight::kUnseen, "COMBINING GRAPHEME JOINER"),
    one(0x61c, Sight::kUnseen, "ARABIC LETTER MARK"),
    Range{0x115f, 0x1160, Sight::kUnseen, ""},  // fillers of Hangul
    one(0x1680, Sight::kBlank, "OGHAM SPACE MARK"),
    Range{0x17b4, 0x17b5, Sight::kUnseen, ""},  // vowels of Khmer that are not written
    Range{0x180b, 0x180f, Sight::kUnseen, ""},  // selectors and separators of Mongolian
    one(0x2000, Sight::kBlank, "EN QUAD"),
    one(0x2001, Sight::kBlank, "EM QUAD"),
    one(0x2002, Sight::kBlank, "EN SPACE"),
    one(0x2003, Sight::kBlank, "EM SPACE"),
    one(0x2004, Sight::kBlank, "THREE-PER-EM SPACE"),
    one(0x2005, Sight::kBlank, "FOUR-PER-EM SPACE"),
    one(0x2006, Sight::kBlank, "SIX-PER-EM SPACE"),
    one(0x2007, Sight::kBlank, "FIGURE SPACE"),
    one(0x2008, Sight::kBlank, "PUNCTUATION SPACE"),
    one(0x2009, Sight::kBlank, "THIN SPACE"),
    one(0x200a, Sight::kBlank, "HAIR SPACE"),
    one(0x200b, Sight::kUnseen, "ZERO WIDTH SPACE"),
    one(0x200c, Sight::kUnseen, "ZERO WIDTH NON-JOINER"),
    one(0x200d, Sight::kUnseen, "ZERO WIDTH JOINER"),
    one(0x200e, Sight::kUnseen, "LEFT-TO-RIGHT MARK"),
    one(0x200f, Sight::kUnseen, "RIGHT-TO-LEFT MARK"),
    one(0x2028, Sight::kUnseen, "LINE SEPARATOR"),
    one(0x2029, Sight::kUnseen, "PARAGRAPH SEPARATOR"),
    one(0x202a, Sight::kTurning, "LEFT-TO-RIGHT EMBEDDING"),
    one(0x202b, Sight::kTurning, "RIGHT-TO-LEFT EMBEDDING"),
    one(0x202c, Sight::kTurning, "POP DIRECTIONAL FORMATTING"),
    one(0x202d, Sight::kTurning, "LEFT-TO-RIGHT OVERRIDE"),
    one(0x202e, Sight::kTurning, "RIGHT-TO-LEFT OVERRIDE"),
    one(0x202f, Sight::kBlank, "NARROW NO-BREAK SPACE"),
    one(0x205f, Sight::kBlank, "MEDIUM MATHEMATICAL SPACE"),
    one(0x2060, Sight::kUnseen, "WORD JOINER"),
    Range{0x2061, 0x2065, Sight::kUnseen, ""},  // operators of mathematics that are not written
    one(0x2066, Sight::kTurning, "LEFT-TO-RIGHT ISOLATE"),
    one(0x2067, Sight::kTurning, "RIGHT-TO-LEFT ISOLATE"),
    one(0x2068, Sight::kTurning, "FIRST STRONG ISOLATE"),
    one(0x2069, Sight::kTurning, "POP DIRECTIONAL ISOLATE"),
    Range{0x206a, 0x206f, Sight::kUnseen, ""},
    one(0x2800, Sight::kBlank, "BRAILLE PATTERN BLANK"),
    one(0x3000, Sight::kBlank, "IDEOGRAPHIC SPACE"),
    one(0x3164, Sight::kUnseen, "HANGUL FILLER"),
    Range{0xfe00, 0xfe0f, Sight::kUnseen, ""},  // variation selectors
    one(0xfeff, Sight::kUnseen, "ZERO WIDTH NO-BREAK SPACE"),
    one(0xffa0, Sight::kUnseen, "HALFWIDTH HANGUL FILLER"),
    Range{0xfff0, 0xfffb, Sight::kUnseen, ""},
    Range{0x1bca0, 0x1bca3, Sight::kUnseen, ""},  // controls of shorthand
    Range{0x1d173, 0x1d17a, Sight::kUnseen, ""},  // and of music
    Range{0xe0000, 0xe0fff, Sight::kUnseen, ""},  // tags, and more variation selectors
});
static_assert(std::is_sorted(kHidden.begin(), kHidden.end(),
                             [](const Range& a, const Range& b) { return a.last < b.first; }));

Character ascii(char32_t code) {
  const bool seen = (code >= ' ' && code < 0x7f) || code == '\t' || code == '\r' || code == '\n';
  return {1, code, seen ? Sight::kPlain : Sight::kUnseen};
}

// A character of UTF-8 that takes several bytes, or else its first byte.
Character decoded(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const Character broken{1, byte(0), Sight::kBroken};
  const std::size_t size = byte(0) >= 0xf0 ? 4 : byte(0) >= 0xe0 ? 3 : 2;
  if (byte(0) < 0xc2 || byte(0) > 0xf4 || text.size() < size) return broken;
  char32_t code = byte(0) & (0x7fU >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0U) != 0x80) return broken;
    code = (code << 6U) | (byte(i) & 0x3fU);
  }
  constexpr std::array<char32_t, 5> kLeast{0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code >= 0xd800 && code <= 0xdfff;
  if (code < kLeast.at(size) || code > 0x10ffff || surrogate) return broken;
  return {size, code, Sight::kForeign};
}

}  // namespace

std::string Character::text() const {
  if (sight == Sight::kBroken) return fmt::format("byte {:02x}", static_cast<unsigned>(code));
  return fmt::format("U+{:04X}{}{}", static_cast<unsigned>(code), name.empty() ? "" : " ", name);
}

Character first_character(std::string_view text) {
  const auto first = static_cast<std::uint8_t>(text.front());
  if (first < 0x80) return ascii(first);
  Character character = decoded(text);
  if (character.sight == Sight::kBroken) return character;
  const auto* const range =
      std::lower_bound(kHidden.begin(), kHidden.end(), character.code,
                       [](const Range& one, char32_t code) { return one.last < code; });
  if (range != kHidden.end() && range->first <= character.code) {
    character.sight = range->sight;
    character.name = range->name;
  }
  return character;
}

std::string_view without_byte_order_mark(std::string_view text) {
  constexpr std::string_view kMark = "\xef\xbb\xbf";
  if (text.starts_with(kMark)) text.remove_prefix(kMark.size());
  return text;
}

std::optional<std::string> complaint_of(const Character& character, std::size_t column) {
  const auto say = [&](std::string_view what) {
    return fmt::format("{} in column {} {}", character.text(), column, what);
  };
  switch (character.sight) {
    case Sight::kPlain:
    case Sight::kForeign:
      break;
    case Sight::kUnseen:
      return say("cannot be seen; remove it");
    case Sight::kBlank:
      return say("only looks like a space; type a space in its place");
    case Sight::kTurning:
      return say("changes the order in which its line is shown; remove it");
    case Sight::kBroken:
      return say("is not UTF-8; save the file as UTF-8");
  }
  return std::nullopt;
}

std::optional<std::string> unseen_in(std::string_view line) {
  for (std::size_t column = 1; !line.empty(); ++column) {
    const Character character = first_character(line);
    if (auto complaint = complaint_of(character, column)) return complaint;
    line.remove_prefix(character.size);
  }
  return std::nullopt;
}

}  // namespace sluice
