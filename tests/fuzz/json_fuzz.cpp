// JSON bodies: what is read is UTF-8 and as jansson reads it, and what is written reads the same.
#include <array>
#include <cctype>
#include <memory>
#include <set>
#include <string>

#include <jansson.h>

#include "fuzz/harness.h"
#include "http/json.h"

namespace sluice::http {
namespace {

using fuzz::require;

// RFC 3629, section 4.
bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const auto lead = static_cast<unsigned char>(text.front());
    const std::size_t size = lead < 0x80   ? 1
                             : lead < 0xc2 ? 0
                             : lead < 0xe0 ? 2
                             : lead < 0xf0 ? 3
                             : lead < 0xf5 ? 4
                                           : 0;
    if (size == 0 || size > text.size()) return false;
    for (std::size_t i = 1; i < size; ++i) {
      if ((static_cast<unsigned char>(text[i]) & 0xc0U) != 0x80) return false;
    }
    const auto second = size > 1 ? static_cast<unsigned char>(text[1]) : 0U;
    if ((lead == 0xe0 && second < 0xa0) || (lead == 0xed && second >= 0xa0) ||
        (lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second >= 0x90)) {
      return false;
    }
    text.remove_prefix(size);
  }
  return true;
}

// Members that handlers ask for, and one that stands for the rest.
constexpr std::array<const char*, 5> kNames{"tenant_id", "session_id", "message", "cost", "a"};

// "Request body is not valid JSON: line 3, column 17: a byte order mark": of the body no more than
// where, and one of these.
const std::set<std::string_view> kReasons{"a byte order mark",
                                          "UTF-16 or UTF-32, not UTF-8",
                                          "a control character in a string",
                                          "an escape that there is not",
                                          "bytes that are not UTF-8",
                                          "something after the end of the value",
                                          "the text ends too early",
                                          "an unexpected character"};

void expect_discreet(const Error& error, std::string_view text) {
  require(error.code == ErrorCode::kBadRequest, "an error is the client's", text);
  if (error.detail == "Request body must be a JSON object") return;
  if (error.detail == "Request body is empty") return;
  const std::size_t colon = error.detail.find(": ", error.detail.find(": ") + 1);
  require(colon != std::string::npos, "an error says where", error.detail);
  std::string where;
  for (const char c : error.detail.substr(0, colon)) {
    if (std::isdigit(static_cast<unsigned char>(c)) == 0) where += c;
  }
  require(where == "Request body is not valid JSON: line , column " &&
              kReasons.contains(std::string_view(error.detail).substr(colon + 2)),
          "an error quotes nothing of the body", error.detail);
}

// A member as jansson's tree has it.
void expect_same(const JsonObject& object, const char* name, const json_t* tree,
                 std::string_view text) {
  const json_t* const member = json_object_get(tree, name);
  const auto string = object.string(name);
  const auto integer = object.integer(name);
  if (!member || json_is_null(member)) {
    return require(string && !*string && integer && !*integer, "absent is absent", text);
  }
  require(string.has_value() == json_is_string(member), "a string is one to jansson too", text);
  require(integer.has_value() == json_is_integer(member), "an integer is one to jansson too", text);
  if (string) {
    const std::string_view value(json_string_value(member), json_string_length(member));
    require(**string == value, "a string reads as jansson reads it", text);
  }
  if (integer) {
    require(**integer == json_integer_value(member), "so does an integer", text);
  }
}

// What jansson takes, but for a NUL after a number, which it passes over.
void check_parity(const Result<JsonObject>& object, std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return;
  json_error_t error;
  const std::unique_ptr<json_t, decltype(&json_decref)> tree(
      json_loadb(text.data(), text.size(), JSON_REJECT_DUPLICATES, &error), json_decref);
  if (!json_is_object(tree.get())) return;
  require(object.has_value(), "an object to jansson is one", text);
  for (const char* const name : kNames) expect_same(*object, name, tree.get(), text);
}

void expect_one_type(const JsonObject& object, const char* name, std::string_view text) {
  const auto string = object.string(name);
  const auto integer = object.integer(name);
  if (!string) require(string.error().code == ErrorCode::kBadRequest, "of another type", text);
  if (!integer) require(integer.error().code == ErrorCode::kBadRequest, "of another type", text);
  require(!(string && *string && integer), "no member is of two types", text);
  require(!(string && !*string) || (integer && !*integer), "absent is absent", text);
}

// An object with the members that were read; all of it reads the same again.
void check_members(const JsonObject& object, std::string_view text) {
  JsonWriter writer;
  JsonArray strings;
  for (const char* const name : kNames) {
    expect_one_type(object, name, text);
    if (const auto string = object.string(name); string && *string) {
      require(is_utf8(**string), "a string is UTF-8", text);
      writer.set(name, **string);
      strings.add(**string);
    }
    if (const auto integer = object.integer(name); integer && *integer) writer.set(name, **integer);
  }
  JsonWriter outer;
  outer.set("inner", writer).set("strings", strings).set_null("nothing");
  const std::string written = writer.text();
  const auto again = JsonObject::parse(written);
  require(again.has_value(), "what is written is JSON", written);
  require(JsonObject::parse(outer.text()).has_value(), "what nests it is JSON", outer.text());
  for (const char* const name : kNames) {
    const auto string = object.string(name);
    const auto integer = object.integer(name);
    if (string) require(*again->string(name) == *string, "strings are read as written", written);
    if (integer) require(*again->integer(name) == *integer, "integers are too", written);
  }
}

// Any text that is UTF-8 can be written.
void check_writer(std::string_view text) {
  if (!is_utf8(text)) return;
  JsonWriter writer;
  writer.set("a", text);
  const std::string written = writer.text();
  const auto object = JsonObject::parse(written);
  require(object.has_value(), "UTF-8 is written as JSON", written);
  // No client may send a NUL, so string() takes none.
  const bool nul = text.find('\0') != std::string_view::npos;
  const auto string = object->string("a");
  require(string.has_value() != nul, "text without a NUL is read", written);
  if (string) require(*string == text, "text is read as written", written);
}

}  // namespace
}  // namespace sluice::http

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice::http;
  const sluice::fuzz::Exact text(sluice::fuzz::Input(data, size).rest());
  const auto object = JsonObject::parse(text.view());
  if (object) {
    sluice::fuzz::require(is_utf8(text.view()), "a body is UTF-8", text.view());
    check_members(*object, text.view());
  } else {
    expect_discreet(object.error(), text.view());
  }
  check_parity(object, text.view());
  check_writer(text.view());
  return 0;
}
