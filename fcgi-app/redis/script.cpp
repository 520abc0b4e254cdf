#include "redis/script.h"

#include <array>
#include <cstdint>
#include <span>
#include <stdexcept>

#include <openssl/evp.h>

#include "base/append.h"

namespace sluice::redis {

Script::Script(std::string_view text) : text_(text) {
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> digest{};
  std::size_t size = 0;
  if (EVP_Q_digest(nullptr, "SHA1", nullptr, text.data(), text.size(), digest.data(), &size) != 1) {
    throw std::runtime_error("OpenSSL has no SHA1, by which Redis knows a script");
  }
  append_hex(sha_, std::span(digest).first(size));
}

}  // namespace sluice::redis
