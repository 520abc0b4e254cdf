// Who is let in without being counted, and who is not let in at all.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "identity/address/client_ip.h"

namespace sluice::identity {

// All addresses that share their first bits: an IPv4 or an IPv6 network, or one single address.
class Network {
 public:
  // REQUIRES: 0 <= bits <= 128, counted as in an IPv6 address (so 96 and more for IPv4), and no bit
  // of `first` is set after them.
  Network(const Address& first, int bits) : first_(first), bits_(bits) {}

  // Looks at the client's exact address, whatever part of it is counted per. What is no address is
  // in no network. An IPv4 address, mapped to IPv6 or not, is in IPv4 networks alone.
  [[nodiscard]] bool matches(const Address& address) const;
  [[nodiscard]] bool matches(std::string_view address) const;
  [[nodiscard]] bool is_v4() const { return first_.is_v4(); }
  [[nodiscard]] int bits() const { return bits_; }  // as above
  // Whether it is all of IPv4, or all of IPv6.
  [[nodiscard]] bool is_everything() const;

 private:
  Address first_;
  int bits_;
};

// Reads "10.0.0.0/8", "203.0.113.7" or "2001:db8::/32". The error (kInvalidConfig) says what is
// wrong with this text, without file or line.
[[nodiscard]] Result<Network> parse_network(std::string_view text);

// This host itself: 127.0.0.0/8 and ::1.
[[nodiscard]] std::vector<Network> loopback();

struct AccessList {
  std::vector<Network> networks;
  std::set<std::string, std::less<>> tenants;

  [[nodiscard]] bool has_address(const Address& address) const;
  [[nodiscard]] bool has_address(std::string_view address) const;
  [[nodiscard]] bool has_tenant(std::string_view tenant) const;
};

// What each list does to a request stands in resolver.h.
struct Access {
  AccessList exempt;
  AccessList deny;
};

}  // namespace sluice::identity
