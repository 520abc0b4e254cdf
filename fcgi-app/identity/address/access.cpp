#include "identity/address/access.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include <arpa/inet.h>
#include <fmt/format.h>

namespace sluice::identity {
namespace {

constexpr int kAddressBits = 128;
constexpr int kMappedBits = 96;  // what an IPv4 address has before its own 32

std::optional<int> parse_prefix(std::string_view text, int most) {
  int bits = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bits);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (bits < 0 || bits > most) return std::nullopt;
  return bits;
}

std::string text_of(const Address& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const bool v4 = address.is_v4();
  const void* bytes = address.bytes.data() + (v4 ? kMappedBits / 8 : 0);
  inet_ntop(v4 ? AF_INET : AF_INET6, bytes, text.data(), text.size());
  return text.data();
}

}  // namespace

bool Network::matches(const Address& address) const {
  if (address.is_v4() != first_.is_v4()) return false;
  return truncated(address, bits_).bytes == first_.bytes;
}

bool Network::matches(std::string_view address) const {
  const auto parsed = parse_address(address);
  return parsed && matches(*parsed);
}

bool Network::is_everything() const {
  return bits_ == 0 || (first_.is_v4() && bits_ == kMappedBits);
}

Result<Network> parse_network(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string_view host = text.substr(0, slash);
  const auto address = parse_address(host);
  if (!address) {
    return refuse(text,
                  "is no address or network; write one as in 10.0.0.0/8, 203.0.113.7 or "
                  "2001:db8::/32");
  }
  if (slash == std::string_view::npos) return Network(*address, kAddressBits);
  const bool dotted = host.find(':') == std::string_view::npos;
  const int most = dotted ? kAddressBits - kMappedBits : kAddressBits;
  const auto prefix = parse_prefix(text.substr(slash + 1), most);
  if (!prefix) return refuse(text, fmt::format("after the / stands a number from 0 to {}", most));
  const int bits = *prefix + kAddressBits - most;
  const Address first = truncated(*address, bits);
  if (first.bytes != address->bytes) {
    const int shown = first.is_v4() ? bits - kMappedBits : bits;
    return refuse(text,
                  fmt::format("has bits beyond its prefix; write {}/{}", text_of(first), shown));
  }
  return Network(first, bits);
}

std::vector<Network> loopback() {
  return {*parse_network("127.0.0.0/8"), *parse_network("::1")};
}

bool AccessList::has_address(const Address& address) const {
  return std::any_of(networks.begin(), networks.end(),
                     [&](const Network& network) { return network.matches(address); });
}

bool AccessList::has_address(std::string_view address) const {
  const auto parsed = parse_address(address);
  return parsed && has_address(*parsed);
}

bool AccessList::has_tenant(std::string_view tenant) const {
  return tenants.contains(tenant);
}

}  // namespace sluice::identity
