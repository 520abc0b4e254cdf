// Where a Redis is: the URI forms that redis-py and Python's `limits` know.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sluice::redis {

// PEM files of a TLS connection, by absolute path.
struct TlsFiles {
  std::string ca;    // whose certificates are trusted; empty: the system's
  std::string cert;  // ours, with the chain behind it; empty: none
  std::string key;   // of cert; empty if cert is
  bool operator==(const TlsFiles&) const = default;
};

// redis://[[user]:password@]host[:port][/db]
// rediss:// for the same over TLS, then [?ca=FILE&cert=FILE&key=FILE]
// unix://[[user]:password@]/path[?db=n], and redis+unix:// for the same
struct Uri {
  std::string path;  // of a unix socket; empty for TCP
  std::string host;  // a name that can be looked up, or an address, without the brackets of IPv6
  int port = 6379;
  std::string user;      // empty: the default user
  std::string password;  // empty: none
  int db = 0;
  std::optional<TlsFiles> tls;  // nothing: in the clear

  // The URI again, with *** for the password and without files: for people, logs and GET /.
  [[nodiscard]] std::string masked() const;
  bool operator==(const Uri&) const = default;
};

// Error: kInvalidConfig, saying what is wrong. The password is never part of it.
[[nodiscard]] Result<Uri> parse_uri(std::string_view text);

}  // namespace sluice::redis
