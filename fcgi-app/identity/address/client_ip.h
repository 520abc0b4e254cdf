// The client's address: parsed, and as a counting key.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::identity {

// An IPv4 address stands as its IPv4-mapped IPv6 one, and an IPv4-mapped one is an IPv4 address.
struct Address {
  std::array<std::uint8_t, 16> bytes{};
  [[nodiscard]] bool is_v4() const;
};

// 0.0.0.0
inline constexpr Address kFirstV4{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0}};

// nullopt for what is no address (nginx listening on a unix socket says "unix:").
[[nodiscard]] std::optional<Address> parse_address(std::string_view text);

// "4:7f000001" for IPv4, "6:" and the hex of the first `ipv6_prefix` bits (8 to 128) for IPv6,
// since one subscriber holds a whole prefix; "-" for what is no address.
[[nodiscard]] std::string canonical_address(const std::optional<Address>& address, int ipv6_prefix);
[[nodiscard]] std::string canonical_address(std::string_view text, int ipv6_prefix);

// What a canonical address stands for, for people: "127.0.0.1", "2001:db8:1:2::"; what is none as
// it is.
[[nodiscard]] std::string readable_address(std::string_view canonical);

// The address with all bits after the first `bits` (0 to 128) cleared.
[[nodiscard]] Address truncated(Address address, int bits);

}  // namespace sluice::identity
