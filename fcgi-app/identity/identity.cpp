#include "identity/identity.h"

#include "base/append.h"

namespace sluice::identity {

std::string Identity::who(std::string_view route) const {
  std::string words(route);
  append_number(words.append(" "), static_cast<std::int64_t>(standing));
  words.append(" ").append(tenant.empty() ? "-" : tenant).append(" ");
  if (session) append_hex(words, *session);
  return words.append(session ? " " : "- ").append(api_key.empty() ? "-" : api_key);
}

}  // namespace sluice::identity
