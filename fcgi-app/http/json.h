// JSON in and out; the one home of jansson.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "http/json_scanner.h"

struct json_t;

namespace sluice::http {

// A JSON object that stands in a body. Its grammar is checked as a whole; of its members only those
// are looked at that are read, so what is in the others does no harm. Movable; not copied.
class JsonObject {
 public:
  // Errors: kBadRequest, for what is no JSON (json_scanner.h) or no object, with a detail that
  // quotes nothing of `text`. REQUIRES: `text` outlives the object.
  [[nodiscard]] static Result<JsonObject> parse(std::string_view text);

  // These read the member `name`: nullopt where it is absent or null. Errors: kBadRequest, for one
  // that stands twice, or is not what is asked for. REQUIRES: name is letters, digits, _ and -.

  // A string without a NUL, all of whose escapes are whole characters. The view lives as long as
  // this object and its text.
  [[nodiscard]] Result<std::optional<std::string_view>> string(std::string_view name) const;

  // An integer from `low` to `high`, in digits: 2.0 and 1e3 are none.
  [[nodiscard]] Result<std::optional<std::int64_t>> integer(
      std::string_view name, std::int64_t low = std::numeric_limits<std::int64_t>::min(),
      std::int64_t high = std::numeric_limits<std::int64_t>::max()) const;

  // An object in an object. It lives as long as the text of this one.
  [[nodiscard]] Result<std::optional<JsonObject>> object(std::string_view name) const;

  // An array of such strings as string() reads.
  [[nodiscard]] Result<std::optional<std::vector<std::string>>> strings(
      std::string_view name) const;

  // All members as they are written, in the order of the text.
  [[nodiscard]] const std::vector<JsonMember>& members() const { return members_; }

 private:
  struct Release {
    void operator()(json_t* value) const;
  };
  using Owned = std::unique_ptr<json_t, Release>;

  explicit JsonObject(std::vector<JsonMember> members) : members_(std::move(members)) {}

  // The member's value as it is written.
  [[nodiscard]] Result<std::optional<std::string_view>> written(std::string_view name) const;

  std::vector<JsonMember> members_;
  mutable std::vector<Owned> decoded_;  // the strings with escapes that were read
};

class JsonArray;

// Writes a JSON object, compact, members in the order in which they are set. It appends to one
// string: through jansson's tree a chat answer cost 2 microseconds more.
class JsonWriter {
 public:
  // Each adds a member. REQUIRES: name is new, ASCII, and needs no escape; text is UTF-8.
  JsonWriter& set(std::string_view name, std::string_view text);
  JsonWriter& set(std::string_view name, std::int64_t number);
  JsonWriter& set(std::string_view name, const JsonWriter& object);
  JsonWriter& set(std::string_view name, const JsonArray& array);
  JsonWriter& set_null(std::string_view name);

  [[nodiscard]] std::string text() const& { return text_ + (text_.empty() ? "{}" : "}"); }
  [[nodiscard]] std::string text() && { return std::move(text_ += text_.empty() ? "{}" : "}"); }

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
