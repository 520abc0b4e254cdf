#include "identity/fingerprint.h"

#include <array>
#include <cstdint>

#include <fmt/format.h>
#include <sodium.h>

namespace sluice::identity {
namespace {

constexpr std::size_t kFingerprintBytes = 16;

}  // namespace

std::string fingerprint(std::string_view value) {
  const std::basic_string<std::uint8_t> bytes(value.begin(), value.end());
  std::array<std::uint8_t, kFingerprintBytes> hash{};
  crypto_generichash(hash.data(), hash.size(), bytes.data(), bytes.size(), nullptr, 0);
  return fmt::format("{:02x}", fmt::join(hash, ""));
}

}  // namespace sluice::identity
