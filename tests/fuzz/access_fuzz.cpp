// Addresses and networks: bit by bit, as an independent reading of the texts has it.
#include <array>
#include <bitset>
#include <charconv>
#include <optional>
#include <string>

#include <arpa/inet.h>
#include <fmt/format.h>

#include "fuzz/harness.h"
#include "identity/address/access.h"

namespace sluice::identity {
namespace {

using fuzz::require;

// An address as its bits, first to last: 32 or 128 of them.
using Bits = std::string;

Bits bits_of(const std::uint8_t* bytes, std::size_t count) {
  Bits bits;
  for (std::size_t i = 0; i < count; ++i) bits += std::bitset<8>(bytes[i]).to_string();
  return bits;
}

std::optional<Bits> read_address(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return std::nullopt;
  const std::string terminated(text);
  std::array<std::uint8_t, 16> bytes{};
  if (inet_pton(AF_INET, terminated.c_str(), bytes.data()) == 1) return bits_of(bytes.data(), 4);
  if (inet_pton(AF_INET6, terminated.c_str(), bytes.data()) != 1) return std::nullopt;
  const Bits bits = bits_of(bytes.data(), 16);
  const Bits mapped = Bits(80, '0') + Bits(16, '1');
  return bits.starts_with(mapped) ? bits.substr(mapped.size()) : bits;
}

std::string hex(const Bits& bits) {
  std::string text;
  for (std::size_t i = 0; i < bits.size(); i += 8) {
    text += fmt::format("{:02x}", std::bitset<8>(bits.substr(i, 8)).to_ulong());
  }
  return text;
}

void check_address(std::string_view text, int prefix) {
  const auto bits = read_address(text);
  require(parse_address(text).has_value() == bits.has_value(), "addresses are those of inet_pton",
          text);
  const std::string key = canonical_address(text, prefix);
  if (!bits) return require(key == "-", "what is no address has one key", key);
  if (bits->size() == 32) return require(key == "4:" + hex(*bits), "the key of IPv4", key);
  Bits kept = bits->substr(0, static_cast<std::size_t>(prefix));
  kept.resize((kept.size() + 7) / 8 * 8, '0');
  require(key == "6:" + hex(kept), "the key of IPv6 is its prefix", key);
}

// The bits that the addresses of a network begin with.
struct Reading {
  Bits prefix;
  std::size_t size;  // of an address of its kind
};

std::optional<Reading> read_network(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto address = read_address(text.substr(0, slash));
  if (!address) return std::nullopt;
  if (slash == std::string_view::npos) return Reading{*address, address->size()};
  const std::string_view digits = text.substr(slash + 1);
  int length = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  // An IPv4 address that is written as an IPv6 one counts the 96 bits before it.
  const bool mapped = address->size() == 32 && text.find(':') != std::string_view::npos;
  if (length < 0 || std::size_t(length) > (mapped ? 128 : address->size())) return std::nullopt;
  const Bits whole = mapped ? Bits(80, '0') + Bits(16, '1') + *address : *address;
  const auto kept = static_cast<std::size_t>(length);
  if (whole.find('1', kept) != Bits::npos) return std::nullopt;
  const std::size_t skipped = mapped ? 96 : 0;
  return Reading{whole.substr(skipped, kept - skipped), address->size()};
}

void check_network(std::string_view text, std::string_view address) {
  const auto network = parse_network(text);
  const auto expected = read_network(text);
  require(network.has_value() == expected.has_value(), "networks are these and no others", text);
  if (!network) {
    const std::string& detail = network.error().detail;
    const std::string advice = fmt::format("\"{}\": has bits beyond its prefix; write ", text);
    if (!detail.starts_with(advice)) return;
    const std::string better = detail.substr(advice.size());
    return require(parse_network(better).has_value(), "what the error says to write is good",
                   detail);
  }
  const auto bits = read_address(address);
  const bool inside = bits && bits->size() == expected->size && bits->starts_with(expected->prefix);
  require(network->matches(address) == inside, "a network has the addresses of its prefix",
          fmt::format("{} in {}", address, text));
  AccessList list;
  require(!list.has_address(address), "an empty list has nobody", address);
  list.networks.push_back(*network);
  require(list.has_address(address) == inside, "a list has what its networks have", address);
}

}  // namespace
}  // namespace sluice::identity

// A byte for the prefix, a line for the network, a line for the address.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  sluice::fuzz::Input input(data, size);
  const int prefix = 8 + static_cast<int>(input.byte() % 121);
  const sluice::fuzz::Exact network(input.line());
  const sluice::fuzz::Exact address(input.line());
  sluice::identity::check_address(address.view(), prefix);
  sluice::identity::check_address(network.view(), prefix);
  sluice::identity::check_network(network.view(), address.view());
  return 0;
}
