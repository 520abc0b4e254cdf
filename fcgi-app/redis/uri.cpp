#include "redis/uri.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <net/if.h>
#include <netinet/in.h>

namespace sluice::redis {
namespace {

constexpr int kMaxDb = 1'000'000;
constexpr std::size_t kMaxHost = 253;  // RFC 1035, written out
constexpr std::size_t kMaxLabel = 63;
constexpr std::size_t kMaxSocketPath = 107;  // sun_path, less its NUL

tl::unexpected<Error> refuse(std::string_view why) {
  return fail(ErrorCode::kInvalidConfig,
              fmt::format("{}; expected redis[s]://[[user]:password@]host[:port][/db], for rediss "
                          "[?ca=FILE&cert=FILE&key=FILE], or unix:///path/to/socket[?db=n]",
                          why));
}

// Takes off `text` and returns what stands before `at`; the character there goes too.
std::optional<std::string_view> cut_at(std::string_view& text, std::size_t at) {
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view before = text.substr(0, at);
  text.remove_prefix(at + 1);
  return before;
}

std::optional<std::string_view> cut(std::string_view& text, char separator) {
  return cut_at(text, text.find(separator));
}

// A path, and then an @ in it, begins with its first slash; elsewhere an @ that is none of the
// password's is the last.
std::optional<std::string_view> cut_credentials(std::string_view& text, bool is_unix) {
  if (text.starts_with('/')) return std::nullopt;
  return cut_at(text, is_unix ? text.find("@/") : text.rfind('@'));
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

// Of rediss: ca=FILE&cert=FILE&key=FILE, each once, in any order.
bool set_files(std::string_view query, TlsFiles& files) {
  while (!query.empty()) {
    const auto before = cut(query, '&');
    std::string_view value = before ? *before : std::exchange(query, {});
    const auto name = cut(value, '=');
    std::string* const file = name == "ca"     ? &files.ca
                              : name == "cert" ? &files.cert
                              : name == "key"  ? &files.key
                                               : nullptr;
    const auto path = percent_decode(value);
    if (!file || !file->empty() || !path || !path->starts_with('/')) return false;
    *file = *path;
  }
  return files.cert.empty() == files.key.empty();
}

// What a host name is made of, whatever the locale says.
bool is_name_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_';
}

// What keeps a look-up from being asked for this name, or for this address in dots. A last dot,
// which says that the name is whole, is one too.
std::optional<std::string_view> why_no_name(std::string_view host) {
  if (host.empty()) return "the host is missing";
  if (host.size() > kMaxHost) return "the host is longer than 253 bytes";
  if (host.ends_with('.')) host.remove_suffix(1);
  for (std::size_t at = 0; at <= host.size();) {
    const std::string_view label = host.substr(at, host.find('.', at) - at);
    at += label.size() + 1;
    if (std::any_of(label.begin(), label.end(), [](char c) { return (c & 0x80) != 0; })) {
      return "a host name beyond ASCII has to be written in punycode (xn--...)";
    }
    if (!std::all_of(label.begin(), label.end(), is_name_byte)) {
      return "the host may hold letters, digits, - and _ alone, in parts between dots";
    }
    if (label.empty() || label.size() > kMaxLabel) {
      return "each part of the host between dots has 1 to 63 bytes";
    }
  }
  return std::nullopt;
}

// An IPv6 address, with the interface behind a % if it is of a link.
bool is_ipv6(std::string_view host) {
  const std::size_t end = host.find('%');
  if (end != std::string_view::npos) {
    const std::string_view interface = host.substr(end + 1);
    const auto fits = [](char c) { return is_name_byte(c) || c == '.'; };
    if (interface.empty() || interface.size() >= IF_NAMESIZE ||
        !std::all_of(interface.begin(), interface.end(), fits)) {
      return false;
    }
  }
  in6_addr ignored{};
  return ::inet_pton(AF_INET6, std::string(host.substr(0, end)).c_str(), &ignored) == 1;
}

Result<Uri> parse_tcp(std::string_view authority, Uri uri) {
  if (const auto before = cut(authority, '?')) {
    if (!uri.tls) return refuse("only rediss:// and unix:// take a query");
    if (!set_files(authority, *uri.tls)) {
      return refuse("ca, cert and key are absolute paths, cert and key go together");
    }
    authority = *before;
  }
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
    if (!is_ipv6(uri.host)) return refuse("what stands in brackets is no IPv6 address");
    port = authority.substr(end + 1);
    if (!port.empty() && !port.starts_with(':')) return refuse("the port is missing its colon");
    if (!port.empty()) port.remove_prefix(1);
  } else {
    std::string_view host = authority;
    if (const auto before = cut(authority, ':')) {
      host = *before;
      port = authority;
    }
    if (const auto why = why_no_name(host)) return refuse(*why);
    uri.host = host;
  }
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
  return fmt::format("redis{}://{}{}{}{}:{}/{}", tls ? "s" : "", credentials, bracket ? "[" : "",
                     host, bracket ? "]" : "", port, db);
}

Result<Uri> parse_uri(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return refuse("the storage URI holds a NUL");
  const std::size_t colon = text.find("://");
  if (colon == std::string_view::npos) return refuse("the storage URI has no scheme");
  const std::string_view scheme = text.substr(0, colon);
  std::string_view rest = text.substr(colon + 3);
  const bool is_unix = scheme == "unix" || scheme == "redis+unix";
  if (!is_unix && scheme != "redis" && scheme != "rediss") {
    return refuse(fmt::format("unknown scheme \"{}://\"", scheme));
  }
  Uri uri;
  if (scheme == "rediss") uri.tls.emplace();
  if (const auto credentials = cut_credentials(rest, is_unix)) {
    // An @ in the name of a file would make a password of what stands before it.
    const bool has_query = uri.tls && credentials->find('?') != std::string_view::npos;
    if (has_query || !set_credentials(*credentials, uri)) {
      return refuse("credentials must be user:password, with %XX for special characters");
    }
  }
  return is_unix ? parse_unix(rest, std::move(uri)) : parse_tcp(rest, std::move(uri));
}

}  // namespace sluice::redis
