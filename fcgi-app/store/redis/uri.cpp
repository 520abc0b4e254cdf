#include "store/redis/uri.h"

#include <charconv>
#include <optional>

#include <fmt/format.h>

namespace sluice::store::redis {
namespace {

constexpr int kMaxDb = 1'000'000;
constexpr std::size_t kMaxSocketPath = 107;  // sun_path, less its NUL

tl::unexpected<Error> refuse(std::string_view why) {
  return fail(ErrorCode::kInvalidConfig,
              fmt::format("{}; expected redis://[[user]:password@]host[:port][/db] or "
                          "unix:///path/to/socket[?db=n]",
                          why));
}

// Takes off and returns what stands before the last (or first) `separator`; nothing without one.
std::optional<std::string_view> cut(std::string_view& text, char separator, bool last = false) {
  const std::size_t at = last ? text.rfind(separator) : text.find(separator);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view before = text.substr(0, at);
  text.remove_prefix(at + 1);
  return before;
}

std::optional<int> number(std::string_view text, int low, int high) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value >= low && value <= high ? std::optional(value) : std::nullopt;
}

// Undoes %XX; nothing on a broken escape or a NUL.
std::optional<std::string> percent_decode(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    unsigned value = 0;
    const std::string_view digits = text.substr(i + 1, 2);
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    if (error != std::errc() || end != digits.data() + 2 || value == 0) return std::nullopt;
    decoded += static_cast<char>(value);
    i += 2;
  }
  return decoded;
}

// The other way round, of what would end a user's name, or would not print.
std::string percent_encode(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain =
        byte > ' ' && byte < 0x7f && std::string_view("%:@/?#[]").find(c) == std::string_view::npos;
    encoded += plain ? std::string(1, c) : fmt::format("%{:02X}", byte);
  }
  return encoded;
}

// A user without a password would be forgotten silently: there is no such login.
bool set_credentials(std::string_view text, Uri& uri) {
  const auto user = cut(text, ':');
  if (!user) return false;
  const auto name = percent_decode(*user);
  const auto password = percent_decode(text);
  if (!name || !password) return false;
  if (password->empty()) return false;
  uri.user = *name;
  uri.password = *password;
  return true;
}

Result<Uri> parse_unix(std::string_view rest, Uri uri) {
  std::string_view path = rest;
  std::string_view query;
  if (const auto before = cut(rest, '?')) {
    path = *before;
    query = rest;
  }
  if (!path.starts_with('/') || path.size() > kMaxSocketPath) {
    return refuse("the socket path must be absolute and at most 107 bytes");
  }
  uri.path = path;
  if (query.empty()) return uri;
  const auto db = query.starts_with("db=") ? number(query.substr(3), 0, kMaxDb) : std::nullopt;
  if (!db) return refuse("the only query is db=n");
  uri.db = *db;
  return uri;
}

Result<Uri> parse_tcp(std::string_view authority, Uri uri) {
  std::string_view db;
  if (const auto before = cut(authority, '/')) {
    db = authority;
    authority = *before;
  }
  std::string_view port;
  if (authority.starts_with('[')) {
    const std::size_t end = authority.find(']');
    if (end == std::string_view::npos) return refuse("the IPv6 address has no closing bracket");
    uri.host = authority.substr(1, end - 1);
    port = authority.substr(end + 1);
    if (!port.empty() && !port.starts_with(':')) return refuse("the port is missing its colon");
    if (!port.empty()) port.remove_prefix(1);
  } else {
    std::string_view host = authority;
    if (const auto before = cut(authority, ':')) {
      host = *before;
      port = authority;
    }
    uri.host = host;
  }
  if (uri.host.empty()) return refuse("the host is missing");
  if (uri.host.starts_with('[')) return refuse("the host has two opening brackets");
  if (!port.empty()) {
    const auto value = number(port, 1, 65535);
    if (!value) return refuse("the port must be 1 to 65535");
    uri.port = *value;
  }
  if (!db.empty()) {
    const auto value = number(db, 0, kMaxDb);
    if (!value) return refuse("the database must be a number");
    uri.db = *value;
  }
  return uri;
}

}  // namespace

std::string Uri::masked() const {
  const std::string credentials =
      user.empty() && password.empty() ? "" : fmt::format("{}:***@", percent_encode(user));
  if (!path.empty()) return fmt::format("unix://{}{}?db={}", credentials, path, db);
  const bool bracket = host.find(':') != std::string::npos;
  return fmt::format("redis://{}{}{}{}:{}/{}", credentials, bracket ? "[" : "", host,
                     bracket ? "]" : "", port, db);
}

Result<Uri> parse_uri(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return refuse("the storage URI holds a NUL");
  const std::size_t colon = text.find("://");
  if (colon == std::string_view::npos) return refuse("the storage URI has no scheme");
  const std::string_view scheme = text.substr(0, colon);
  std::string_view rest = text.substr(colon + 3);
  if (scheme == "rediss") return refuse("rediss:// (TLS) is not supported");
  const bool is_unix = scheme == "unix" || scheme == "redis+unix";
  if (!is_unix && scheme != "redis") {
    return refuse(fmt::format("unknown scheme \"{}://\"", scheme));
  }
  Uri uri;
  const bool path_only = rest.starts_with('/');  // where an @ is a part of the name
  if (const auto credentials = path_only ? std::nullopt : cut(rest, '@', true)) {
    if (!set_credentials(*credentials, uri)) {
      return refuse("credentials must be user:password, with %XX for special characters");
    }
  }
  return is_unix ? parse_unix(rest, std::move(uri)) : parse_tcp(rest, std::move(uri));
}

}  // namespace sluice::store::redis
