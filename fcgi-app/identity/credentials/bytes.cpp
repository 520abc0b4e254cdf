#include "identity/credentials/bytes.h"

#include <charconv>

#include <sodium.h>

namespace sluice::identity {

// It fails only where libsodium's own mutex does; and what was not set up is merely slower.
void start_sodium() {
  [[maybe_unused]] const int started = sodium_init();
}

void hash_into(std::span<std::uint8_t> hash, std::string_view text) {
  crypto_generichash(hash.data(), hash.size(), reinterpret_cast<const std::uint8_t*>(text.data()),
                     text.size(), nullptr, 0);
}

bool parse_hex(std::string_view text, std::span<std::uint8_t> bytes) {
  if (text.size() != 2 * bytes.size()) return false;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const char* const digits = text.data() + 2 * i;
    const auto [end, error] = std::from_chars(digits, digits + 2, bytes[i], 16);
    if (error != std::errc() || end != digits + 2) return false;
  }
  return true;
}

}  // namespace sluice::identity
