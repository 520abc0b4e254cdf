#include "http/request.h"

#include <cctype>

#include <fmt/format.h>

namespace sluice::http {
namespace {

constexpr std::string_view kHeaderPrefix = "HTTP_";

tl::unexpected<Error> ambiguous(std::string_view name) {
  return fail(ErrorCode::kBadRequest,
              fmt::format("Header {} must be sent once, with one value", header_name(name)));
}

}  // namespace

std::string header_name(std::string_view cgi_name) {
  cgi_name.remove_prefix(kHeaderPrefix.size());
  std::string name(cgi_name);
  for (char& c : name) {
    if (c == '_') c = '-';
  }
  return name;
}

std::string cgi_name(std::string_view header) {
  std::string name(kHeaderPrefix);
  for (const char c : header) {
    const int upper = std::toupper(static_cast<unsigned char>(c));
    name += c == '-' ? '_' : static_cast<char>(upper);
  }
  return name;
}

Result<std::optional<std::string_view>> Request::header(std::string_view name) const {
  auto value = text_header(name);
  if (value && *value && (*value)->find(',') != std::string_view::npos) return ambiguous(name);
  return value;
}

Result<std::optional<std::string_view>> Request::text_header(std::string_view name) const {
  std::optional<std::string_view> value;
  for (const Param& param : params) {
    if (param.name != name) continue;
    if (value) return ambiguous(name);
    value = param.value;
  }
  if (value && value->empty()) value.reset();
  return value;
}

std::string Request::list_header(std::string_view name) const {
  std::string list;
  bool is_first = true;
  for (const Param& param : params) {
    if (param.name != name) continue;
    if (!is_first) list += ',';
    list += param.value;
    is_first = false;
  }
  return list;
}

const Result<JsonObject>& Request::json() const {
  if (!json_) json_.emplace(JsonObject::parse(body));
  return *json_;
}

}  // namespace sluice::http
