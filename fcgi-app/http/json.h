// JSON in and out; the one home of jansson.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

struct json_t;

namespace sluice::http {

// A JSON object: parsed from a body, or built for one. Movable; not copied.
class JsonObject {
 public:
  JsonObject();

  // Strict: one object, no duplicate members, no NUL, valid UTF-8, depth bounded by jansson's 2048
  // and by the caller's bound on `text`. Error: kBadRequest with a detail for the client.
  [[nodiscard]] static Result<JsonObject> parse(std::string_view text);

  // The string member `name`: absent (or null) is nullopt; another type is kBadRequest. The view
  // lives as long as this object.
  [[nodiscard]] Result<std::optional<std::string_view>> string(const char* name) const;

  // Each sets or replaces a member. REQUIRES: text is UTF-8; what is not is left out.
  JsonObject& set(const char* name, std::string_view text);
  JsonObject& set(const char* name, const char* text) { return set(name, std::string_view(text)); }
  JsonObject& set(const char* name, const std::string& text) {
    return set(name, std::string_view(text));
  }
  JsonObject& set(const char* name, std::int64_t number);
  JsonObject& set(const char* name, std::optional<std::string_view> text);  // nullopt: null
  JsonObject& set(const char* name, std::optional<std::int64_t> number);
  JsonObject& set(const char* name, JsonObject value);

  // Compact, members in the order in which they were set.
  [[nodiscard]] std::string dump() const;

 private:
  struct Release {
    void operator()(json_t* value) const;
  };
  using Owned = std::unique_ptr<json_t, Release>;

  explicit JsonObject(Owned value) : value_(std::move(value)) {}

  Owned value_;
};

}  // namespace sluice::http
