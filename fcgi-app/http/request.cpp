#include "http/request.h"

#include <fmt/format.h>

namespace sluice::http {
namespace {

constexpr std::string_view kHeaderPrefix = "HTTP_";

// "HTTP_X_TENANT_ID" as the client knows it: "X-TENANT-ID".
std::string header_name(std::string_view cgi_name) {
  cgi_name.remove_prefix(kHeaderPrefix.size());
  std::string name(cgi_name);
  for (char& c : name) {
    if (c == '_') c = '-';
  }
  return name;
}

}  // namespace

Result<std::optional<std::string_view>> Request::header(std::string_view name) const {
  std::optional<std::string_view> value;
  bool ambiguous = false;
  for (const Param& param : params) {
    if (param.name != name) continue;
    ambiguous = ambiguous || value || param.value.find(',') != std::string_view::npos;
    value = param.value;
  }
  if (ambiguous) {
    return fail(ErrorCode::kBadRequest,
                fmt::format("Header {} must be sent once, with one value", header_name(name)));
  }
  if (value && value->empty()) value.reset();
  return value;
}

const Result<JsonObject>& Request::json() const {
  if (!json_) json_.emplace(JsonObject::parse(body));
  return *json_;
}

}  // namespace sluice::http
