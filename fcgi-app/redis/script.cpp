#include "redis/script.h"

#include <array>
#include <stdexcept>

#include <fmt/format.h>
#include <openssl/evp.h>

namespace sluice::redis {

Script::Script(std::string_view text) : text_(text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  std::size_t size = 0;
  if (EVP_Q_digest(nullptr, "SHA1", nullptr, text.data(), text.size(), digest.data(), &size) != 1) {
    throw std::runtime_error("OpenSSL has no SHA1, by which Redis knows a script");
  }
  for (std::size_t i = 0; i < size; ++i) sha_ += fmt::format("{:02x}", digest[i]);
}

}  // namespace sluice::redis
