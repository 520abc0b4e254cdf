// Numbers and bytes, appended as text. Each answer has many of them, so no format string is parsed.
#pragma once

#include <array>
#include <charconv>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace sluice {

// In decimal digits, with a minus where it is below zero.
inline void append_number(std::string& text, std::int64_t number) {
  std::array<char, 20> digits;  // NOLINT(*-member-init): filled by to_chars
  auto* const end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  text.append(digits.data(), end);
}

[[nodiscard]] inline std::string number_text(std::int64_t number) {
  std::string text;
  append_number(text, number);
  return text;
}

// Two hex digits for each byte, in lower case.
inline void append_hex(std::string& text, std::span<const std::uint8_t> bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::size_t at = text.size();
  text.resize(at + 2 * bytes.size());
  for (const std::uint8_t byte : bytes) {
    text[at++] = kDigits[byte >> 4U];
    text[at++] = kDigits[byte & 15U];
  }
}

}  // namespace sluice
