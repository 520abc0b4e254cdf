// IPv4 addresses inside IPv6 ones, as a NAT64 or SIIT translator writes them (RFC 6052).
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "identity/address/access.h"
#include "identity/address/client_ip.h"

namespace sluice::identity {

// A network of IPv6 all of whose addresses have an IPv4 address in them.
class Nat64Prefix {
 public:
  // REQUIRES: an IPv6 network of 32, 40, 48, 56, 64 or 96 bits.
  explicit Nat64Prefix(const Network& network) : network_(network) {}

  // The IPv4 address that stands in `address` (RFC 6052 section 2.2), whatever is in the bits
  // around it; nullopt outside the prefix.
  [[nodiscard]] std::optional<Address> v4_in(const Address& address) const;

 private:
  Network network_;
};

using Nat64Prefixes = std::vector<Nat64Prefix>;

// Reads "64:ff9b::/96". The error (kInvalidConfig) says what is wrong with this text, without file
// or line.
[[nodiscard]] Result<Nat64Prefix> parse_nat64_prefix(std::string_view text);

// 64:ff9b::/96, which every translator may use (RFC 6052 section 2.1).
[[nodiscard]] Nat64Prefixes well_known_nat64_prefixes();

// The IPv4 address that `address` stands for by the first prefix that has it; nullopt: by none.
[[nodiscard]] std::optional<Address> v4_in(const Address& address,
                                           std::span<const Nat64Prefix> prefixes);

}  // namespace sluice::identity
