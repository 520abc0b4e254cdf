#include "identity/address/forwarded.h"

#include <algorithm>

#include "base/digits.h"
#include "http/list_field.h"

namespace sluice::identity {
namespace {

constexpr std::size_t kMaxPortDigits = 5;
constexpr std::int64_t kMaxPort = 65535;

bool is_port(std::string_view text) {
  return text.size() <= kMaxPortDigits && parse_digits(text).value_or(kMaxPort + 1) <= kMaxPort;
}

// The address in a hop, without brackets and port; what has neither form, or no such port: nothing.
std::string_view address_in(std::string_view hop) {
  std::string_view address = hop;
  std::string_view rest;
  if (hop.starts_with('[')) {
    const std::size_t end = hop.find(']');
    if (end == std::string_view::npos) return {};
    address = hop.substr(1, end - 1);
    rest = hop.substr(end + 1);
    if (address.find(':') == std::string_view::npos) return {};  // brackets are for IPv6
  } else if (const std::size_t colon = hop.find(':'); colon == hop.rfind(':')) {
    address = hop.substr(0, colon);  // all of it without a colon; two make an IPv6 address
    rest = hop.substr(address.size());
  }
  if (rest.empty()) return address;
  return rest.front() == ':' && is_port(rest.substr(1)) ? address : std::string_view();
}

}  // namespace

std::string_view client_address(std::string_view peer, std::string_view forwarded_for,
                                std::span<const Network> trusted_proxies,
                                std::span<const Nat64Prefix> nat64_prefixes) {
  const auto is_trusted = [&](const Address& address) {
    const auto v4 = v4_in(address, nat64_prefixes);
    return std::any_of(trusted_proxies.begin(), trusted_proxies.end(), [&](const Network& network) {
      return network.matches(address) || (v4 && network.matches(*v4));
    });
  };
  std::string_view client = peer;
  auto address = parse_address(client);
  for (int hops = 0; hops < kMaxForwardedHops && address && is_trusted(*address); ++hops) {
    const std::string_view hop = address_in(http::take_last(forwarded_for));
    address = parse_address(hop);
    if (address) client = hop;
  }
  return client;
}

}  // namespace sluice::identity
