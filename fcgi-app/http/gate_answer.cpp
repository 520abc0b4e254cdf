#include "http/gate_answer.h"

#include <array>
#include <string>

#include "base/append.h"
#include "http/problem.h"

namespace sluice::http {
namespace {

constexpr int kUnauthorized = 401;

constexpr std::array<std::string_view, 6> kShown{
    "Retry-After",       "X-RateLimit-Limit", "X-RateLimit-Remaining",
    "X-RateLimit-Reset", "RateLimit",         "RateLimit-Policy"};

}  // namespace

Response gate_answer(Response response) {
  if (response.is_success()) return response;
  std::string denied = number_text(response.status());
  denied.append(response.take("Content-Type") == kProblemType ? "|problem" : "|json");
  for (const std::string_view name : kShown) denied.append("|").append(response.take(name));
  denied.append("|").append(response.body());
  (void)response.take("Cache-Control");  // nginx says it to the client
  response.add("X-Sluice-Denied", denied);
  response.replace(kUnauthorized, "");
  return response;
}

}  // namespace sluice::http
