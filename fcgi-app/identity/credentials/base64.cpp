#include "identity/credentials/base64.h"

#include <array>

namespace sluice::identity {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::uint8_t kNone = 0xff;

// By character: its six bits.
constexpr std::array<std::uint8_t, 256> kValues = [] {
  std::array<std::uint8_t, 256> values{};
  values.fill(kNone);
  for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
    values.at(static_cast<unsigned char>(kAlphabet[i])) = static_cast<std::uint8_t>(i);
  }
  return values;
}();

}  // namespace

std::optional<std::size_t> read_base64(std::string_view text, std::span<std::uint8_t> bytes) {
  if (text.size() % 4 == 1 || text.size() * 3 / 4 > bytes.size()) return std::nullopt;
  std::size_t size = 0;
  std::uint32_t bits = 0;
  unsigned count = 0;  // of bits that are not written yet
  for (const char c : text) {
    const std::uint8_t value = kValues[static_cast<unsigned char>(c)];
    if (value == kNone) return std::nullopt;
    bits = bits << 6U | value;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes[size++] = static_cast<std::uint8_t>(bits >> count);
  }
  const bool is_clean = (bits & ((1U << count) - 1)) == 0;
  return is_clean ? std::optional(size) : std::nullopt;
}

}  // namespace sluice::identity
