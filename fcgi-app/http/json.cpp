#include "http/json.h"

#include <fmt/format.h>
#include <jansson.h>

namespace sluice::http {

void JsonObject::Release::operator()(json_t* value) const {
  json_decref(value);
}

JsonObject::JsonObject() : value_(json_object()) {}

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

JsonObject& JsonObject::set(const char* name, std::string_view text) {
  json_object_set_new(value_.get(), name, json_stringn(text.data(), text.size()));
  return *this;
}

JsonObject& JsonObject::set(const char* name, std::int64_t number) {
  json_object_set_new(value_.get(), name, json_integer(number));
  return *this;
}

JsonObject& JsonObject::set(const char* name, std::optional<std::string_view> text) {
  if (text) return set(name, *text);
  json_object_set_new(value_.get(), name, json_null());
  return *this;
}

JsonObject& JsonObject::set(const char* name, std::optional<std::int64_t> number) {
  if (number) return set(name, *number);
  json_object_set_new(value_.get(), name, json_null());
  return *this;
}

JsonObject& JsonObject::set(const char* name, JsonObject value) {
  json_object_set_new(value_.get(), name, value.value_.release());
  return *this;
}

std::string JsonObject::dump() const {
  const std::unique_ptr<char, decltype(&std::free)> text(json_dumps(value_.get(), JSON_COMPACT),
                                                         &std::free);
  return text ? std::string(text.get()) : std::string("{}");
}

}  // namespace sluice::http
