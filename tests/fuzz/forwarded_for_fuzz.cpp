// X-Forwarded-For: the client is the peer or one of the hops, as a reading of all hops has it.
#include <string>
#include <vector>

#include <arpa/inet.h>

#include "fuzz/harness.h"
#include "identity/address/forwarded.h"

namespace sluice::identity {
namespace {

using fuzz::require;

using Hops = std::vector<std::string>;

// Without those that are empty.
Hops split(std::string_view text) {
  Hops hops(1);
  for (const char c : text) {
    if (c == ',') {
      hops.emplace_back();
    } else {
      hops.back() += c;
    }
  }
  std::erase_if(hops, [](const std::string& hop) {
    return hop.find_first_not_of(" \t") == std::string::npos;
  });
  return hops;
}

bool is_address(const std::string& text, int family) {
  std::array<unsigned char, 16> bytes{};
  return text.find('\0') == std::string::npos && inet_pton(family, text.c_str(), bytes.data()) == 1;
}

bool is_port(const std::string& text) {
  return !text.empty() && text.size() <= 5 &&
         text.find_first_not_of("0123456789") == std::string::npos && std::stoi(text) <= 65535;
}

std::string without_blanks(std::string text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.erase(0, 1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.pop_back();
  return text;
}

// "v4", "v4:port", "v6", "[v6]" or "[v6]:port", tried one after the other; empty for none of them.
std::string address_of(const std::string& written) {
  const std::string hop = without_blanks(written);
  if (is_address(hop, AF_INET) || is_address(hop, AF_INET6)) return hop;
  const std::size_t colon = hop.rfind(':');
  std::string host = hop;
  if (colon != std::string::npos && is_port(hop.substr(colon + 1))) {
    host = hop.substr(0, colon);
    if (is_address(host, AF_INET)) return host;
  }
  if (host.size() < 2 || host.front() != '[' || host.back() != ']') return "";
  host = host.substr(1, host.size() - 2);
  return is_address(host, AF_INET6) ? host : "";
}

bool is_trusted(const std::vector<Network>& proxies, std::string_view address) {
  AccessList list;
  list.networks = proxies;
  return list.has_address(address);
}

std::string expected_client(const std::string& peer, const Hops& hops,
                            const std::vector<Network>& proxies) {
  std::string client = peer;
  int left = kMaxForwardedHops;
  for (auto hop = hops.rbegin(); hop != hops.rend() && left-- > 0; ++hop) {
    if (!is_trusted(proxies, client)) break;
    const std::string address = address_of(*hop);
    if (address.empty()) break;
    client = address;
  }
  return client;
}

void check(std::string_view peer, std::string_view forwarded, const std::vector<Network>& proxies) {
  const std::string client(client_address(peer, forwarded, proxies));
  require(client == expected_client(std::string(peer), split(forwarded), proxies),
          "the client is the first hop that is no proxy", client);
  require(client_address(peer, forwarded, {}) == peer, "who trusts nobody believes the peer", peer);
  require(client == peer || parse_address(client).has_value(), "a hop is an address", client);
  // What an attacker writes on the left of a hop that is no proxy, or is garbage, is not read.
  const std::string longer = "198.51.100.99, unknown," + std::string(forwarded);
  const std::string_view again = client_address(peer, longer, proxies);
  require(again == client, "nothing left of garbage is believed", again);
}

}  // namespace
}  // namespace sluice::identity

// A line for the peer, a line for the trusted networks, with blanks between, the rest is the
// header.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  fuzz::Input input(data, size);
  const fuzz::Exact peer(input.line());
  std::string_view trusted = input.line();
  std::vector<identity::Network> proxies;
  while (!trusted.empty() && proxies.size() < 8) {
    const std::string_view word = trusted.substr(0, trusted.find(' '));
    trusted.remove_prefix(std::min(trusted.size(), word.size() + 1));
    if (const auto network = identity::parse_network(word)) proxies.push_back(*network);
  }
  const fuzz::Exact forwarded(input.rest());
  identity::check(peer.view(), forwarded.view(), proxies);
  return 0;
}
