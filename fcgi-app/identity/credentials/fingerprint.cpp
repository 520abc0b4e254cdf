#include "identity/credentials/fingerprint.h"

#include <array>
#include <cstdint>

#include "base/append.h"
#include "identity/credentials/bytes.h"

namespace sluice::identity {
namespace {

constexpr std::size_t kFingerprintBytes = 16;

}  // namespace

std::string fingerprint(std::string_view value) {
  std::array<std::uint8_t, kFingerprintBytes> hash{};
  hash_into(hash, value);
  std::string text;
  append_hex(text, hash);
  return text;
}

}  // namespace sluice::identity
