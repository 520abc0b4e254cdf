// Numbers as strangers write them.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sluice {

// The number that `text` is, if it is digits alone: no sign, no space, no point. nullopt for all
// else, nothing at all, and what is beyond 64 bits.
[[nodiscard]] inline std::optional<std::int64_t> parse_digits(std::string_view text) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (text.empty() || !std::all_of(text.begin(), text.end(), is_digit)) return std::nullopt;
  std::int64_t number = 0;
  const auto error = std::from_chars(text.data(), text.data() + text.size(), number).ec;
  return error == std::errc() ? std::optional(number) : std::nullopt;
}

}  // namespace sluice
