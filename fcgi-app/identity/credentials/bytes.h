// Bytes of secrets and hashes: made, and read from hex.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace sluice::identity {

// Sets libsodium up, whoever has done so already. Call it before anything is signed or drawn.
void start_sodium();

// BLAKE2b without a key, as long as `hash`: 16 to 64 bytes.
void hash_into(std::span<std::uint8_t> hash, std::string_view text);

// Whether `text` is hex digits, of any case, for all of `bytes`, and no more.
[[nodiscard]] bool parse_hex(std::string_view text, std::span<std::uint8_t> bytes);

}  // namespace sluice::identity
