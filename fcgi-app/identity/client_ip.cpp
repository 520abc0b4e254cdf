#include "identity/client_ip.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include <arpa/inet.h>
#include <fmt/format.h>

namespace sluice::identity {
namespace {

constexpr std::array<std::uint8_t, 12> kMappedPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

std::string labelled_hex(std::string_view label, std::span<const std::uint8_t> bytes) {
  return fmt::format("{}:{:02x}", label, fmt::join(bytes, ""));
}

void clear_after(std::array<std::uint8_t, 16>& address, int prefix) {
  for (int bit = prefix; bit < 128; ++bit) {
    auto& byte = address.at(static_cast<std::size_t>(bit / 8));
    byte = static_cast<std::uint8_t>(byte & ~(0x80U >> (bit % 8)));
  }
}

}  // namespace

std::string canonical_address(std::string_view text, int ipv6_prefix) {
  const std::string terminated(text);
  std::array<std::uint8_t, 4> v4{};
  if (inet_pton(AF_INET, terminated.c_str(), v4.data()) == 1) return labelled_hex("4", v4);
  std::array<std::uint8_t, 16> v6{};
  if (inet_pton(AF_INET6, terminated.c_str(), v6.data()) != 1) return "-";
  if (std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), v6.begin())) {
    return labelled_hex("4", std::span(v6).last<4>());
  }
  clear_after(v6, ipv6_prefix);
  return labelled_hex("6", std::span(v6).first(static_cast<std::size_t>(ipv6_prefix + 7) / 8));
}

}  // namespace sluice::identity
