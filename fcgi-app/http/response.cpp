#include "http/response.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

namespace sluice::http {
namespace {

constexpr std::array<std::pair<int, std::string_view>, 13> kReasons{
    {{200, "OK"},
     {201, "Created"},
     {204, "No Content"},
     {400, "Bad Request"},
     {401, "Unauthorized"},
     {403, "Forbidden"},
     {404, "Not Found"},
     {405, "Method Not Allowed"},
     {413, "Content Too Large"},
     {415, "Unsupported Media Type"},
     {429, "Too Many Requests"},
     {500, "Internal Server Error"},
     {503, "Service Unavailable"}}};

std::string_view reason(int status) {
  for (const auto& [code, text] : kReasons) {
    if (code == status) return text;
  }
  return "Unknown";
}

void add_first_fields(Response& response, std::string_view content_type) {
  if (!content_type.empty()) response.add("Content-Type", content_type);
  response.add("Cache-Control", "no-store");
}

}  // namespace

Response::Response(int status, std::string body, std::string_view content_type)
    : status_(status), body_(std::move(body)) {
  add_first_fields(*this, content_type);
}

void Response::add(std::string_view name, std::string_view value) {
  const auto breaks = [](char c) { return c == '\r' || c == '\n'; };
  if (std::any_of(value.begin(), value.end(), breaks)) return;
  fields_.append(name).append(": ").append(value).append("\r\n");
}

Response::Response(int status, std::unique_ptr<BodyStream> stream, std::string_view content_type)
    : status_(status), stream_(std::move(stream)) {
  add_first_fields(*this, content_type);
}

std::string Response::serialize() const {
  // RFC 9110 section 8.6: a 204 has no length.
  if (status_ == 204 || is_streamed()) {
    return fmt::format("Status: {} {}\r\n{}\r\n", status_, reason(status_), fields_);
  }
  return fmt::format("Status: {} {}\r\n{}Content-Length: {}\r\n\r\n{}", status_, reason(status_),
                     fields_, body_.size(), body_);
}

}  // namespace sluice::http
