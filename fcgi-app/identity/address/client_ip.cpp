#include "identity/address/client_ip.h"

#include <algorithm>
#include <span>

#include <arpa/inet.h>

#include "base/append.h"
#include "identity/credentials/bytes.h"

namespace sluice::identity {
namespace {

constexpr std::size_t kMappedBytes = 12;  // what an IPv4 address has before its own 4

std::string labelled_hex(std::string_view label, std::span<const std::uint8_t> bytes) {
  std::string text(label);
  append_hex(text, bytes);
  return text;
}

}  // namespace

bool Address::is_v4() const {
  return std::equal(bytes.begin(), bytes.begin() + kMappedBytes, kFirstV4.bytes.begin());
}

std::optional<Address> parse_address(std::string_view text) {
  // A copy with an end: inet_pton() knows no length, and would stop at a NUL within.
  std::array<char, INET6_ADDRSTRLEN> terminated{};
  if (text.size() >= terminated.size() || text.find('\0') != std::string_view::npos) {
    return std::nullopt;
  }
  text.copy(terminated.data(), text.size());
  Address address = kFirstV4;
  std::uint8_t* v4 = address.bytes.data() + kMappedBytes;
  if (inet_pton(AF_INET, terminated.data(), v4) == 1) return address;
  if (inet_pton(AF_INET6, terminated.data(), address.bytes.data()) == 1) return address;
  return std::nullopt;
}

std::string canonical_address(std::string_view text, int ipv6_prefix) {
  return canonical_address(parse_address(text), ipv6_prefix);
}

std::string canonical_address(const std::optional<Address>& address, int ipv6_prefix) {
  if (!address) return "-";
  if (address->is_v4()) return labelled_hex("4:", std::span(address->bytes).last<4>());
  const Address kept = truncated(*address, ipv6_prefix);
  const auto size = static_cast<std::size_t>(ipv6_prefix + 7) / 8;
  return labelled_hex("6:", std::span(kept.bytes).first(size));
}

std::string readable_address(std::string_view canonical) {
  const bool is_v4 = canonical.starts_with("4:");
  if (!is_v4 && !canonical.starts_with("6:")) return std::string(canonical);
  std::array<std::uint8_t, 16> bytes{};
  const std::string_view digits = canonical.substr(2);
  if (digits.size() > 2 * bytes.size() ||
      !parse_hex(digits, std::span(bytes).first(digits.size() / 2))) {
    return std::string(canonical);
  }
  std::array<char, INET6_ADDRSTRLEN> text{};
  return inet_ntop(is_v4 ? AF_INET : AF_INET6, bytes.data(), text.data(), text.size());
}

Address truncated(Address address, int bits) {
  for (int bit = bits; bit < 128; ++bit) {
    auto& byte = address.bytes.at(static_cast<std::size_t>(bit / 8));
    byte = static_cast<std::uint8_t>(byte & ~(0x80U >> (bit % 8)));
  }
  return address;
}

}  // namespace sluice::identity
