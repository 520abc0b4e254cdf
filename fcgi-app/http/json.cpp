#include "http/json.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <span>

#include <fmt/format.h>
#include <jansson.h>

#include "base/append.h"

namespace sluice::http {
namespace {

constexpr std::size_t kUsualObject = 256;  // for which memory is taken once

constexpr std::array<bool, 256> kIsEscaped = [] {
  std::array<bool, 256> escaped{};
  for (std::size_t c = 0; c < 0x20; ++c) escaped.at(c) = true;
  escaped.at('"') = escaped.at('\\') = true;
  return escaped;
}();

bool is_escaped(char c) {
  return kIsEscaped[static_cast<unsigned char>(c)];
}

// RFC 8259 section 7: quotes, backslashes and control characters are escaped, the rest stands.
void append_string(std::string& out, std::string_view text) {
  constexpr std::string_view kControlEscape = "\\u00";
  out += '"';
  for (;;) {
    const auto* const stop = std::find_if(text.begin(), text.end(), is_escaped);
    out.append(text.begin(), stop);
    if (stop == text.end()) break;
    const auto byte = static_cast<std::uint8_t>(*stop);
    if (byte < 0x20) {
      append_hex(out.append(kControlEscape), std::span(&byte, 1));
    } else {
      (out += '\\') += *stop;
    }
    text.remove_prefix(static_cast<std::size_t>(stop - text.begin()) + 1);
  }
  out += '"';
}

// The fault, and its line and column in characters; both from 1.
std::string detail(const JsonFault& fault, std::string_view text) {
  const std::string_view before = text.substr(0, fault.at);
  const std::string_view line = before.substr(before.rfind('\n') + 1);  // or all of it
  const auto continues = [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) == 0x80; };
  return fmt::format("Request body is not valid JSON: line {}, column {}: {}",
                     1 + std::count(before.begin(), before.end(), '\n'),
                     1 + std::count_if(line.begin(), line.end(), std::not_fn(continues)),
                     fault.what);
}

// Whether `written`, a string without its quotes, is `name`, be it in escapes. Of those only \u
// makes a letter, digit, _ or -.
bool is_spelling_of(std::string_view name, std::string_view written) {
  if (written == name) return true;
  if (written.size() <= name.size()) return false;  // an escape is longer than its character
  std::size_t at = 0;
  for (const char expected : name) {
    const std::string_view rest = written.substr(at);
    if (rest.starts_with("\\u")) {
      int code = 0;
      std::from_chars(rest.data() + 2, rest.data() + 6, code, 16);
      if (code != expected) return false;
      at += 6;
    } else {
      if (!rest.starts_with(expected)) return false;
      ++at;
    }
  }
  return at == written.size();
}

// As an integer in digits; as a double, where it is another number.
bool is_beyond_64_bits(std::string_view value) {
  constexpr std::string_view kDigits = "0123456789";
  const bool is_number =
      value.starts_with('-') || kDigits.find(value.front()) != std::string_view::npos;
  if (!is_number) return false;
  const std::string_view digits = value.substr(value.starts_with('-') ? 1 : 0);
  if (digits.find_first_not_of(kDigits) != std::string_view::npos) {
    return std::isinf(std::strtod(std::string(value).c_str(), nullptr));
  }
  std::int64_t number = 0;
  return std::from_chars(value.data(), value.data() + value.size(), number).ec != std::errc();
}

}  // namespace

void JsonObject::Release::operator()(json_t* value) const {
  json_decref(value);
}

Result<JsonObject> JsonObject::parse(std::string_view text) {
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) {
    return fail(ErrorCode::kBadRequest, "Request body is empty");
  }
  JsonScan scan = scan_json(text);
  if (scan.fault) return fail(ErrorCode::kBadRequest, detail(*scan.fault, text));
  if (!scan.is_object) return fail(ErrorCode::kBadRequest, "Request body must be a JSON object");
  return JsonObject(std::move(scan.members));
}

Result<std::optional<std::string_view>> JsonObject::written(std::string_view name) const {
  std::optional<std::string_view> value;
  for (const JsonMember& member : members_) {
    if (!is_spelling_of(name, member.name)) continue;
    if (value) {
      return fail(ErrorCode::kBadRequest,
                  fmt::format("Request body has member \"{}\" twice", name));
    }
    value = member.value;
  }
  if (value == "null") value.reset();
  return value;
}

Result<std::optional<std::string_view>> JsonObject::string(std::string_view name) const {
  auto text = written(name);
  if (!text || !*text) return text;
  if (!(*text)->starts_with('"')) {
    return fail(ErrorCode::kBadRequest, fmt::format("\"{}\" must be a string", name));
  }
  if ((*text)->find('\\') == std::string_view::npos) {
    return std::optional((*text)->substr(1, (*text)->size() - 2));
  }
  json_error_t error;
  Owned value(json_loadb((*text)->data(), (*text)->size(), JSON_DECODE_ANY, &error));
  if (!value) {
    const bool nul = json_error_code(&error) == json_error_null_character;
    return fail(ErrorCode::kBadRequest, fmt::format("\"{}\" must not have {} in it", name,
                                                    nul ? "a NUL" : "half a surrogate pair"));
  }
  const json_t& decoded = *decoded_.emplace_back(std::move(value));
  return std::optional(std::string_view(json_string_value(&decoded), json_string_length(&decoded)));
}

Result<std::optional<std::int64_t>> JsonObject::integer(std::string_view name, std::int64_t low,
                                                        std::int64_t high) const {
  const auto text = written(name);
  if (!text) return tl::unexpected(text.error());
  if (!*text) return std::optional<std::int64_t>();
  const char* const last = (*text)->data() + (*text)->size();
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars((*text)->data(), last, number);
  if (end == last && error == std::errc() && number >= low && number <= high) {
    return std::optional(number);
  }
  using Limits = std::numeric_limits<std::int64_t>;
  const bool any = low == Limits::min() && high == Limits::max();
  return fail(ErrorCode::kBadRequest,
              fmt::format("\"{}\" must be an integer{}{}", name,
                          any ? "" : fmt::format(" from {} to {}", low, high),
                          is_beyond_64_bits(**text) ? ", not a number beyond 64 bits" : ""));
}

Result<std::optional<JsonObject>> JsonObject::object(std::string_view name) const {
  const auto text = written(name);
  if (!text) return tl::unexpected(text.error());
  if (!*text) return std::optional<JsonObject>();
  auto object = parse(**text);
  if (object) return std::optional(std::move(*object));
  return fail(ErrorCode::kBadRequest, fmt::format("\"{}\" must be an object", name));
}

Result<std::optional<std::vector<std::string>>> JsonObject::strings(std::string_view name) const {
  const auto text = written(name);
  if (!text) return tl::unexpected(text.error());
  if (!*text) return std::optional<std::vector<std::string>>();
  const Owned array(json_loadb((*text)->data(), (*text)->size(), JSON_DECODE_ANY, nullptr));
  std::vector<std::string> strings;
  for (std::size_t i = 0; i < json_array_size(array.get()); ++i) {
    const json_t* const element = json_array_get(array.get(), i);
    if (json_is_string(element)) {
      strings.emplace_back(json_string_value(element), json_string_length(element));
    }
  }
  if (json_is_array(array.get()) && strings.size() == json_array_size(array.get())) {
    return std::optional(std::move(strings));
  }
  return fail(ErrorCode::kBadRequest, fmt::format("\"{}\" must be an array of strings", name));
}

JsonWriter& JsonWriter::set(std::string_view name, std::string_view text) {
  append_string(member(name), text);
  return *this;
}

JsonWriter& JsonWriter::set(std::string_view name, std::int64_t number) {
  append_number(member(name), number);
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
  if (text_.empty()) text_.reserve(kUsualObject);
  text_.append(text_.empty() ? "{\"" : ",\"").append(name).append("\":");
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
