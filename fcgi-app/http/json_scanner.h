// Reads a JSON text without building anything of it: one pass, no recursion.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

namespace sluice::http {

// A member of the outermost object, as views into the text.
struct JsonMember {
  std::string_view name;   // between its quotes, escapes as they are written
  std::string_view value;  // from its first character to its last; a string has its quotes
};

// Why a text is no JSON: `what` follows a colon, and quotes nothing of the text.
struct JsonFault {
  std::size_t at;  // the byte, from 0 to the text's size
  std::string_view what;
};

struct JsonScan {
  std::optional<JsonFault> fault;   // the first; then nothing else is of use
  bool is_object = false;           // the outermost value
  std::vector<JsonMember> members;  // of it, in the order of the text; a name may stand twice
};

// Holds all of `text` to RFC 8259: one value, nested as deep as it may be, in UTF-8 without a byte
// order mark. What numbers are worth, and whether escapes are whole characters, matters to who
// reads them, and is not looked at. Takes memory for each member, and a bit for each level.
[[nodiscard]] JsonScan scan_json(std::string_view text);

}  // namespace sluice::http
