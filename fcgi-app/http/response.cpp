#include "http/response.h"

#include <array>
#include <utility>

#include "base/append.h"

namespace sluice::http {
namespace {

constexpr std::array<std::pair<int, std::string_view>, 15> kReasons{
    {{200, "OK"},
     {201, "Created"},
     {204, "No Content"},
     {400, "Bad Request"},
     {401, "Unauthorized"},
     {403, "Forbidden"},
     {404, "Not Found"},
     {405, "Method Not Allowed"},
     {409, "Conflict"},
     {410, "Gone"},
     {413, "Content Too Large"},
     {415, "Unsupported Media Type"},
     {429, "Too Many Requests"},
     {500, "Internal Server Error"},
     {503, "Service Unavailable"}}};

constexpr std::string_view kColon = ": ";
constexpr std::string_view kLineEnd = "\r\n";
constexpr std::size_t kUsualFields = 448;  // for which memory is taken once
constexpr std::size_t kHeadBytes = 96;     // status line and length are less

void add_first_fields(Response& response, std::string_view content_type) {
  if (!content_type.empty()) response.add("Content-Type", content_type);
  response.add("Cache-Control", "no-store");
}

}  // namespace

std::string_view reason(int status) {
  for (const auto& [code, text] : kReasons) {
    if (code == status) return text;
  }
  return "Unknown";
}

Response::Response(int status, std::string body, std::string_view content_type)
    : status_(status), body_(std::move(body)) {
  add_first_fields(*this, content_type);
}

void Response::add(std::string_view name, std::string_view value) {
  const auto has = [&](char c) { return value.find(c) != std::string_view::npos; };
  if (has('\n') || has('\r')) return;
  if (fields_.empty()) fields_.reserve(kUsualFields);
  fields_.append(name).append(kColon).append(value).append(kLineEnd);
}

std::string Response::take(std::string_view name) {
  for (std::size_t start = 0; start < fields_.size();) {
    const std::size_t end = fields_.find(kLineEnd, start);
    const std::string_view line = std::string_view(fields_).substr(start, end - start);
    if (line.starts_with(name) && line.substr(name.size()).starts_with(kColon)) {
      std::string value(line.substr(name.size() + kColon.size()));
      fields_.erase(start, end + kLineEnd.size() - start);
      return value;
    }
    start = end + kLineEnd.size();
  }
  return "";
}

Response::Response(int status, std::unique_ptr<BodyStream> stream, std::string_view content_type)
    : status_(status), stream_(std::move(stream)) {
  add_first_fields(*this, content_type);
}

std::string Response::serialize() const {
  std::string text;
  text.reserve(kHeadBytes + fields_.size() + body_.size());
  text = "Status: ";
  append_number(text, status_);
  text.append(" ").append(reason(status_)).append("\r\n").append(fields_);
  // RFC 9110 section 8.6: a 204 has no length.
  if (status_ == 204 || is_streamed()) {
    text += "\r\n";
    return text;
  }
  append_number(text.append("Content-Length: "), static_cast<std::int64_t>(body_.size()));
  text.append("\r\n\r\n").append(body_);
  return text;
}

}  // namespace sluice::http
