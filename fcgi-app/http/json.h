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

// A JSON object that was parsed from a body. Movable; not copied.
class JsonObject {
 public:
  // Strict: one object, no duplicate members, no NUL, valid UTF-8, depth bounded by jansson's 2048
  // and by the caller's bound on `text`. Error: kBadRequest with a detail for the client.
  [[nodiscard]] static Result<JsonObject> parse(std::string_view text);

  // The string member `name`: absent (or null) is nullopt; another type is kBadRequest. The view
  // lives as long as this object.
  [[nodiscard]] Result<std::optional<std::string_view>> string(const char* name) const;

  // The integer member `name`, as string(). Error: kBadRequest for another type: 2.0 and true are
  // none, and parse() refuses what is beyond 64 bits.
  [[nodiscard]] Result<std::optional<std::int64_t>> integer(const char* name) const;

 private:
  struct Release {
    void operator()(json_t* value) const;
  };
  using Owned = std::unique_ptr<json_t, Release>;

  explicit JsonObject(Owned value) : value_(std::move(value)) {}

  Owned value_;
};

class JsonArray;

// Writes a JSON object, compact, members in the order in which they are set. It appends to one
// string: through jansson's tree a chat answer cost 2 microseconds more.
class JsonWriter {
 public:
  // Each adds a member. REQUIRES: name is new, and plain ASCII; text is UTF-8.
  JsonWriter& set(std::string_view name, std::string_view text);
  JsonWriter& set(std::string_view name, std::int64_t number);
  JsonWriter& set(std::string_view name, const JsonWriter& object);
  JsonWriter& set(std::string_view name, const JsonArray& array);
  JsonWriter& set_null(std::string_view name);

  [[nodiscard]] std::string text() const { return text_ + (text_.empty() ? "{}" : "}"); }

 private:
  std::string& member(std::string_view name);

  std::string text_;  // without the closing brace
};

// Writes a JSON array, compact, in the order in which elements are added.
class JsonArray {
 public:
  // REQUIRES: text is UTF-8.
  JsonArray& add(std::string_view text);
  JsonArray& add(const JsonWriter& object);

  [[nodiscard]] std::string text() const { return text_ + (text_.empty() ? "[]" : "]"); }

 private:
  std::string& element();

  std::string text_;  // without the closing bracket
};

}  // namespace sluice::http
