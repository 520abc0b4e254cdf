// Base64 with the URL-safe alphabet and no padding (RFC 4648 section 5), read.
//
// libsodium reads it in constant time, for 70 instructions a character: that was a tenth of a
// worker's work. What is read here is no secret until it has been proved, and the proof is
// libsodium's.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace sluice::identity {

// How many bytes `text` came to, written to the front of `bytes`; nullopt for what no encoder
// writes (another character, one character too many, bits that are left over and not zero) and for
// what does not fit.
[[nodiscard]] std::optional<std::size_t> read_base64(std::string_view text,
                                                     std::span<std::uint8_t> bytes);

}  // namespace sluice::identity
