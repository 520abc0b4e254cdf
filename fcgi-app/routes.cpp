#include "routes.h"

#include <array>
#include <string>

#include "handlers/chat.h"
#include "handlers/session.h"
#include "handlers/status.h"

namespace sluice {
namespace {

using identity::Credentials;

constexpr std::array kRoutes{
    Route{"GET", "/", "status", Credentials::kNone, 0, handlers::status},
    Route{"POST", "/session", "session", Credentials::kNone, 1, handlers::session},
    Route{"POST", "/chat", "chat", Credentials::kSession, 1, handlers::chat},
};

}  // namespace

Result<const Route*> match(const http::Request& request) {
  const std::string_view method = request.method == "HEAD" ? "GET" : request.method;
  std::string allowed;
  for (const Route& route : kRoutes) {
    if (route.path != request.path) continue;
    if (route.method != method) {
      allowed.append(allowed.empty() ? "" : ", ").append(route.method);
      if (route.method == "GET") allowed.append(", HEAD");
      continue;
    }
    if (request.body_too_large) return fail(ErrorCode::kBodyTooLarge);
    return &route;
  }
  if (allowed.empty()) return fail(ErrorCode::kNotFound);
  return fail(ErrorCode::kMethodNotAllowed, std::move(allowed));
}

std::vector<std::string_view> route_names() {
  std::vector<std::string_view> names;
  for (const Route& route : kRoutes) {
    if (route.units > 0) names.push_back(route.name);
  }
  return names;
}

}  // namespace sluice
