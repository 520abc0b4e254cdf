// Enumerations and the words that configs have for their values.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <utility>

namespace sluice::limits {

template <class Enum>
using NameTable = std::span<const std::pair<std::string_view, Enum>>;

template <class Enum>
[[nodiscard]] constexpr std::optional<Enum> from_name(NameTable<Enum> names,
                                                      std::string_view name) {
  for (const auto& [word, value] : names) {
    if (word == name) return value;
  }
  return std::nullopt;
}

template <class Enum>
[[nodiscard]] constexpr std::string_view to_name(NameTable<Enum> names, Enum value) {
  for (const auto& [word, candidate] : names) {
    if (candidate == value) return word;
  }
  return "?";
}

}  // namespace sluice::limits
