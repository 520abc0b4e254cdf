// Pages of other origins: which of them may read answers (CORS, https://fetch.spec.whatwg.org).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "http/request.h"
#include "http/response.h"

namespace sluice::http {

inline constexpr std::string_view kAnyOrigin = "*";

// Whether it is an origin as browsers send it: scheme://host or scheme://host:port, in lower case.
[[nodiscard]] bool is_origin(std::string_view text);

struct Cors {
  std::vector<std::string> origins;  // kAnyOrigin for all; none: nothing is said of CORS
  std::int64_t max_age_s = 600;      // for which a browser keeps a preflight's answer; 0 to 86,400
};

// Says in the answer what pages of the request's origin may do. An answer that a preflight gets for
// its method (405) becomes 204, with the methods that there are. Cookies are not for such pages: no
// credential of ours is one.
void write_cors_fields(const Cors& cors, const Request& request, Response& response);

}  // namespace sluice::http
