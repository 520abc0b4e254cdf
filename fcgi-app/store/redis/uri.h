// Where a Redis is: the URI forms that redis-py and Python's `limits` know.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace sluice::store::redis {

// redis://[[user]:password@]host[:port][/db]
// unix://[[user]:password@]/path[?db=n], and redis+unix:// for the same
struct Uri {
  std::string path;  // of a unix socket; empty for TCP
  std::string host;  // without the brackets of an IPv6 address
  int port = 6379;
  std::string user;      // empty: the default user
  std::string password;  // empty: none
  int db = 0;

  // The URI again, with *** for the password: for people, logs and GET /.
  [[nodiscard]] std::string masked() const;
};

// Error: kInvalidConfig, saying what is wrong. The password is never part of it.
[[nodiscard]] Result<Uri> parse_uri(std::string_view text);

}  // namespace sluice::store::redis
