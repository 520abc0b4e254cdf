// The client's address as a counting key.
#pragma once

#include <string>
#include <string_view>

namespace sluice::identity {

// "4:7f000001" for IPv4 (an IPv4-mapped IPv6 address too), "6:" and the hex of the first
// `ipv6_prefix` bits (8 to 128) for IPv6, since one subscriber holds a whole prefix; "-" for what
// is no address (nginx listening on a unix socket says "unix:").
[[nodiscard]] std::string canonical_address(std::string_view text, int ipv6_prefix);

}  // namespace sluice::identity
