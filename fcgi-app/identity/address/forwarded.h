// Whose request it is that a trusted proxy passes on.
#pragma once

#include <span>
#include <string_view>

#include "identity/address/access.h"
#include "identity/address/nat64.h"

namespace sluice::identity {

// Further proxies in a row than anybody has; what an attacker writes costs no more than this.
inline constexpr int kMaxForwardedHops = 32;

// The client's address: `peer`, unless that is one of `trusted_proxies`. Then the hops of
// `forwarded_for` (X-Forwarded-For: "client, proxy, proxy", the nearest last) are walked from the
// right, and the first that is no trusted proxy is the client. A view into its argument, without
// brackets and port.
//
// A hop that is no address ("unknown", garbage) ends the walk, for who wrote it may have written
// all on its left: the client is then the trusted proxy on its right, or `peer`. So does the end of
// the header, or of kMaxForwardedHops. Nothing between two commas, or beside one, is no hop.
//
// A hop is 192.0.2.1, 2001:db8::1 or [2001:db8::1]; the first and the last with or without :port,
// which is 1 to 5 digits, at most 65535. Spaces and tabs around it do not count. No zone, no host
// name, no quotes.
//
// A proxy is trusted by its own address, or by the IPv4 address that it has under one of
// `nat64_prefixes`.
[[nodiscard]] std::string_view client_address(std::string_view peer, std::string_view forwarded_for,
                                              std::span<const Network> trusted_proxies,
                                              std::span<const Nat64Prefix> nat64_prefixes = {});

}  // namespace sluice::identity
