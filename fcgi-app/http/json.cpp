#include "http/json.h"

#include <iterator>

#include <fmt/format.h>
#include <jansson.h>

namespace sluice::http {
namespace {

// RFC 8259 section 7: quotes, backslashes and control characters are escaped, the rest stands.
void append_string(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", c);
    } else {
      out += c;
    }
  }
  out += '"';
}

}  // namespace

void JsonObject::Release::operator()(json_t* value) const {
  json_decref(value);
}

Result<JsonObject> JsonObject::parse(std::string_view text) {
  json_error_t error;
  Owned value(json_loadb(text.data(), text.size(), JSON_REJECT_DUPLICATES, &error));
  if (!value) {
    // jansson quotes the input near the fault; the client knows its own input, so say where only.
    return fail(ErrorCode::kBadRequest, fmt::format("Request body is not valid JSON: line {}, "
                                                    "column {}",
                                                    error.line, error.column));
  }
  if (!json_is_object(value.get())) {
    return fail(ErrorCode::kBadRequest, "Request body must be a JSON object");
  }
  return JsonObject(std::move(value));
}

Result<std::optional<std::string_view>> JsonObject::string(const char* name) const {
  const json_t* member = json_object_get(value_.get(), name);
  if (!member || json_is_null(member)) return std::optional<std::string_view>();
  if (!json_is_string(member)) {
    return fail(ErrorCode::kBadRequest, fmt::format("\"{}\" must be a string", name));
  }
  return std::optional(std::string_view(json_string_value(member), json_string_length(member)));
}

Result<std::optional<std::int64_t>> JsonObject::integer(const char* name) const {
  const json_t* member = json_object_get(value_.get(), name);
  if (!member || json_is_null(member)) return std::optional<std::int64_t>();
  if (!json_is_integer(member)) {
    return fail(ErrorCode::kBadRequest, fmt::format("\"{}\" must be an integer", name));
  }
  return std::optional<std::int64_t>(json_integer_value(member));
}

JsonWriter& JsonWriter::set(std::string_view name, std::string_view text) {
  append_string(member(name), text);
  return *this;
}

JsonWriter& JsonWriter::set(std::string_view name, std::int64_t number) {
  fmt::format_to(std::back_inserter(member(name)), "{}", number);
  return *this;
}

JsonWriter& JsonWriter::set(std::string_view name, const JsonWriter& object) {
  member(name) += object.text();
  return *this;
}

JsonWriter& JsonWriter::set(std::string_view name, const JsonArray& array) {
  member(name) += array.text();
  return *this;
}

JsonWriter& JsonWriter::set_null(std::string_view name) {
  member(name) += "null";
  return *this;
}

std::string& JsonWriter::member(std::string_view name) {
  text_ += text_.empty() ? '{' : ',';
  append_string(text_, name);
  text_ += ':';
  return text_;
}

JsonArray& JsonArray::add(std::string_view text) {
  append_string(element(), text);
  return *this;
}

JsonArray& JsonArray::add(const JsonWriter& object) {
  element() += object.text();
  return *this;
}

std::string& JsonArray::element() {
  text_ += text_.empty() ? '[' : ',';
  return text_;
}

}  // namespace sluice::http
