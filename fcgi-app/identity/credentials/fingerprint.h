// What a header says without proof, in a form that can stand in a key or a log.
#pragma once

#include <string>
#include <string_view>

namespace sluice::identity {

// 128 bits of BLAKE2b in hex: 32 digits. The same in every worker and after every restart, so with
// no secret in it: who knows the value knows the fingerprint, and whose value is easy to guess
// hides nothing by it.
[[nodiscard]] std::string fingerprint(std::string_view value);

}  // namespace sluice::identity
