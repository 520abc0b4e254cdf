// Redis URIs: what is shown of one never has the password, and names the same Redis.
#include <algorithm>
#include <cctype>
#include <string>

#include "fuzz/harness.h"
#include "redis/uri.h"

namespace sluice::redis {
namespace {

using fuzz::require;

// Another password, as long: letters that can stand in no %XX are turned round.
std::string with_other_password(std::string_view text) {
  std::string other(text);
  const std::size_t scheme = text.find("://");
  // Of a socket's path the credentials end at the first "@/", of a host at the last @ before a
  // query.
  const bool is_unix = text.starts_with("unix:") || text.starts_with("redis+unix:");
  const std::size_t at = is_unix ? text.find("@/") : text.substr(0, text.find('?')).rfind('@');
  if (scheme == std::string_view::npos || at == std::string_view::npos || at < scheme) return other;
  const std::size_t colon = text.find(':', scheme + 3);
  for (std::size_t i = colon; i < at; ++i) {
    const char c = other[i];
    if (c >= 'g' && c <= 'z') other[i] = static_cast<char>('g' + ('z' - c));
  }
  return other;
}

bool same_place(const Uri& a, const Uri& b) {
  return a.path == b.path && a.host == b.host && a.port == b.port && a.user == b.user &&
         a.db == b.db;
}

void expect_password_unseen(const Result<Uri>& uri, std::string_view text) {
  // Where the first thing after the scheme is a slash, there are no credentials.
  if (text.find(":///") != std::string_view::npos) return;
  const auto other = parse_uri(with_other_password(text));
  require(other.has_value() == uri.has_value(), "any letter may stand in a password", text);
  if (uri) {
    require(uri->masked() == other->masked(), "masked() does not depend on the password", text);
  } else {
    require(uri.error().detail == other.error().detail, "errors do not depend on the password",
            text);
  }
}

void check(std::string_view text) {
  const auto uri = parse_uri(text);
  expect_password_unseen(uri, text);
  if (!uri) {
    require(uri.error().code == ErrorCode::kInvalidConfig, "an error is of the config", text);
    return;
  }
  require(uri->path.empty() != uri->host.empty(), "there is a path or a host", text);
  require(uri->port >= 1 && uri->port <= 65535, "a port is 1 to 65535", text);
  require(uri->db >= 0, "a database is 0 or more", text);
  require(uri->path.size() <= 107, "a path fits into a socket's address", text);
  for (const std::string* part : {&uri->user, &uri->password, &uri->path, &uri->host}) {
    require(part->find('\0') == std::string::npos, "no part has a NUL", text);
  }
  const std::string shown = uri->masked();
  const auto again = parse_uri(shown);
  require(again.has_value(), "masked() is a URI", shown);
  require(same_place(*again, *uri), "masked() names the same place", shown);
  require(again->masked() == shown, "masked() is canonical", shown);
  require(again->password.empty() == uri->password.empty() &&
              (again->password.empty() || again->password == "***"),
          "of a password there are stars", shown);
}

}  // namespace
}  // namespace sluice::redis

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const sluice::fuzz::Exact text(sluice::fuzz::Input(data, size).rest());
  sluice::redis::check(text.view());
  return 0;
}
