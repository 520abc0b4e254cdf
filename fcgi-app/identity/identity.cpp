#include "identity/identity.h"

#include "base/append.h"

namespace sluice::identity {
namespace {

constexpr std::size_t kUsualWords = 128;  // for which memory is taken once, and for a limit's name

}  // namespace

std::string Identity::who(std::string_view route) const {
  std::string words;
  words.reserve(kUsualWords);
  append_number(words.append(route).append(" "), static_cast<std::int64_t>(standing));
  words.append(" ").append(tenant.empty() ? "-" : tenant).append(" ");
  if (session) append_hex(words, *session);
  words.append(session ? " " : "- ").append(api_key.empty() ? "-" : api_key);
  return words;
}

}  // namespace sluice::identity
