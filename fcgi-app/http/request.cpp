#include "http/request.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include "http/list_field.h"

namespace sluice::http {
namespace {

constexpr std::string_view kHeaderPrefix = "HTTP_";
constexpr std::string_view kIdentity = "identity";  // the coding that changes nothing
constexpr std::size_t kMaxTokenShown = 32;

tl::unexpected<Error> ambiguous(std::string_view name) {
  return fail(ErrorCode::kBadRequest,
              fmt::format("Header {} must be sent once, with one value", header_name(name)));
}

bool is_identity(std::string_view coding) {
  return std::equal(coding.begin(), coding.end(), kIdentity.begin(), kIdentity.end(),
                    [](unsigned char c, char ours) { return std::tolower(c) == ours; });
}

// Whether it is a short word that an answer may repeat.
bool is_token(std::string_view text) {
  return text.size() <= kMaxTokenShown && std::all_of(text.begin(), text.end(), [](char c) {
           return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' ||
                  c == '.';
         });
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

std::string fact_param(std::string_view name) {
  std::string param = "SLUICE_FACT_";
  for (const char c : name) param += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return param;
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
  if (!json_) json_.emplace(parse_json());
  return *json_;
}

Result<JsonObject> Request::parse_json() const {
  const std::string list = list_header("HTTP_CONTENT_ENCODING");
  std::string_view rest = list;
  std::string_view coding = take_last(rest);
  while (is_identity(coding)) coding = take_last(rest);
  if (coding.empty()) return JsonObject::parse(body);
  return fail(ErrorCode::kEncodedBody,
              fmt::format("Content-Encoding {} is not accepted; send the body as it is",
                          is_token(coding) ? coding : "of this kind"));
}

}  // namespace sluice::http
