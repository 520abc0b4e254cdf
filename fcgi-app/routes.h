// The table of all routes.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "handlers/handler.h"
#include "http/request.h"
#include "identity/identity.h"

namespace sluice {

struct Route {
  std::string_view method;
  std::string_view path;  // exact
  std::string_view name;  // what a limit's `routes` call it
  identity::Credentials credentials;
  std::int64_t units;  // what one request costs
  handlers::Handler handler;

  [[nodiscard]] std::int64_t cost(const http::Request& /*request*/) const { return units; }
};

// The route of `request`. A HEAD is answered by its GET; nginx drops the body. Errors: kNotFound,
// kMethodNotAllowed (detail: the Allow field), kBodyTooLarge.
[[nodiscard]] Result<const Route*> match(const http::Request& request);

// The names that a limit may use: of the routes that cost something.
[[nodiscard]] std::vector<std::string_view> route_names();

}  // namespace sluice
