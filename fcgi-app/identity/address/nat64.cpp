#include "identity/address/nat64.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace sluice::identity {
namespace {

constexpr std::array<int, 6> kPrefixBits{32, 40, 48, 56, 64, 96};
// Bits 64 to 71, which hold nothing: an IPv4 address goes on after them.
constexpr std::size_t kReservedByte = 8;

}  // namespace

std::optional<Address> Nat64Prefix::v4_in(const Address& address) const {
  if (!network_.matches(address)) return std::nullopt;
  auto from = static_cast<std::size_t>(network_.bits() / 8);
  Address v4 = kFirstV4;
  for (std::size_t to = v4.bytes.size() - 4; to < v4.bytes.size(); ++to) {
    if (from == kReservedByte) ++from;
    v4.bytes.at(to) = address.bytes.at(from++);
  }
  return v4;
}

Result<Nat64Prefix> parse_nat64_prefix(std::string_view text) {
  const auto network = parse_network(text);
  if (!network) return tl::unexpected(network.error());
  if (network->is_v4()) return refuse(text, "a NAT64 prefix is of IPv6, as 64:ff9b::/96 is");
  if (std::find(kPrefixBits.begin(), kPrefixBits.end(), network->bits()) == kPrefixBits.end()) {
    return refuse(text, fmt::format("a NAT64 prefix has {} bits (RFC 6052), not {}",
                                    "32, 40, 48, 56, 64 or 96", network->bits()));
  }
  return Nat64Prefix(*network);
}

Nat64Prefixes well_known_nat64_prefixes() {
  return {*parse_nat64_prefix("64:ff9b::/96")};
}

std::optional<Address> v4_in(const Address& address, std::span<const Nat64Prefix> prefixes) {
  for (const Nat64Prefix& prefix : prefixes) {
    if (const auto v4 = prefix.v4_in(address)) return v4;
  }
  return std::nullopt;
}

}  // namespace sluice::identity
