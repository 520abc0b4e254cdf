// Little-endian integers in a string of bytes: what stores keep, and say to Redis.
#pragma once

#include <array>
#include <bit>
#include <cstring>
#include <string>
#include <string_view>

namespace sluice::limits {

static_assert(std::endian::native == std::endian::little, "integers are copied as they are");

// Appends `number` in the width of `Stored`.
template <class Stored, class Number>
void append_integer(std::string& bytes, Number number) {
  const auto stored = static_cast<Stored>(number);
  std::array<char, sizeof stored> raw{};
  std::memcpy(raw.data(), &stored, sizeof stored);
  bytes.append(raw.data(), raw.size());
}

// Takes a number off the front. REQUIRES: as many bytes are there.
template <class Stored>
[[nodiscard]] Stored take_integer(std::string_view& bytes) {
  Stored stored{};
  std::memcpy(&stored, bytes.data(), sizeof stored);
  bytes.remove_prefix(sizeof stored);
  return stored;
}

}  // namespace sluice::limits
