// The table of all routes.
#pragma once

#include <cstdint>
#include <string_view>

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
// kMethodNotAllowed (detail: the Allow field), kBodyTooLarge (detail: the bound).
[[nodiscard]] Result<const Route*> match(const http::Request& request);

// Whether a limit may name `route`.
[[nodiscard]] bool is_route_name(std::string_view route);

}  // namespace sluice
