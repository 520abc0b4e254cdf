#include "http/cors.h"

#include <algorithm>
#include <optional>

#include "base/append.h"

namespace sluice::http {
namespace {

constexpr int kNotAllowed = 405;
constexpr int kNoContent = 204;

// What a page may read besides what it always may.
constexpr std::string_view kExposed =
    "RateLimit, RateLimit-Policy, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, "
    "X-RateLimit-Shadow, Retry-After, X-Decision-ID";

bool is_lower_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

std::optional<std::string_view> origin_of(const Request& request) {
  const auto origin = request.text_header("HTTP_ORIGIN");
  return origin ? *origin : std::nullopt;
}

bool is_preflight(const Request& request) {
  if (request.method != "OPTIONS") return false;
  const auto method = request.text_header("HTTP_ACCESS_CONTROL_REQUEST_METHOD");
  return method && *method;
}

}  // namespace

bool is_origin(std::string_view text) {
  const std::size_t colon = text.find("://");
  if (colon == std::string_view::npos || colon == 0) return false;
  const std::string_view scheme = text.substr(0, colon);
  const std::string_view host = text.substr(colon + 3);
  const auto belongs_to = [](std::string_view besides) {
    return [besides](char c) {
      return is_lower_or_digit(c) || besides.find(c) != std::string_view::npos;
    };
  };
  return !host.empty() && std::all_of(scheme.begin(), scheme.end(), belongs_to("+-.")) &&
         std::all_of(host.begin(), host.end(), belongs_to("-._:[]"));
}

void write_cors_fields(const Cors& cors, const Request& request, Response& response) {
  if (cors.origins.empty()) return;
  const auto is_listed = [&](std::string_view origin) {
    return std::find(cors.origins.begin(), cors.origins.end(), origin) != cors.origins.end();
  };
  const bool is_any = is_listed(kAnyOrigin);
  if (!is_any) response.add("Vary", "Origin");
  const auto origin = origin_of(request);
  if (!origin || !(is_any || is_listed(*origin))) return;
  response.add("Access-Control-Allow-Origin", is_any ? kAnyOrigin : *origin);
  if (!is_preflight(request) || response.status() != kNotAllowed) {
    return response.add("Access-Control-Expose-Headers", kExposed);
  }
  response.replace(kNoContent, "");
  (void)response.take("Content-Type");
  response.add("Access-Control-Allow-Methods", response.take("Allow"));
  const std::string headers = request.list_header("HTTP_ACCESS_CONTROL_REQUEST_HEADERS");
  if (!headers.empty()) response.add("Access-Control-Allow-Headers", headers);
  response.add("Access-Control-Max-Age", number_text(cors.max_age_s));
}

}  // namespace sluice::http
