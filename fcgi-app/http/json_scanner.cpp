#include "http/json_scanner.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace sluice::http {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
constexpr std::size_t kHexDigits = 4;     // of an escape \u
constexpr std::size_t kUsualMembers = 8;  // for which memory is taken once
constexpr std::size_t kUnicodeEscapeSize = 2 + kHexDigits;

unsigned char byte_at(std::string_view text, std::size_t at) {
  return at < text.size() ? static_cast<unsigned char>(text[at]) : 0;
}

// UTF-16 and UTF-32 begin with a byte order mark of their own, or have a NUL beside the first
// character, which in JSON is ASCII.
bool is_wide(std::string_view text) {
  if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff")) return true;
  return text.size() > 1 && (text[0] == '\0') != (text[1] == '\0');
}

// How many bytes the first character of `text` has that is not ASCII; 0: it is not UTF-8 (RFC 3629
// section 4: neither longer than it must be, nor a surrogate, nor beyond U+10FFFF).
std::size_t utf8_size(std::string_view text) {
  const unsigned char lead = byte_at(text, 0);
  const std::size_t size = lead < 0xc2   ? 0
                           : lead < 0xe0 ? 2
                           : lead < 0xf0 ? 3
                           : lead < 0xf5 ? 4
                                         : 0;
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte_at(text, i) & 0xc0U) != 0x80) return 0;
  }
  const unsigned char second = byte_at(text, 1);
  const bool wrong = (lead == 0xe0 && second < 0xa0) || (lead == 0xed && second >= 0xa0) ||
                     (lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second >= 0x90);
  return wrong ? 0 : size;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// What stands in a string as it is, and is one byte.
constexpr std::array<bool, 256> kIsPlain = [] {
  std::array<bool, 256> plain{};
  for (std::size_t c = 0x20; c < 0x80; ++c) plain.at(c) = c != '"' && c != '\\';
  return plain;
}();

bool is_plain(char c) {
  return kIsPlain[static_cast<unsigned char>(c)];
}

bool is_hex(char c) {
  return std::isxdigit(static_cast<unsigned char>(c)) != 0;
}

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) { scan_.members.reserve(kUsualMembers); }

  JsonScan scan() && {
    Next next = begin();
    while (next != Next::kNothing) {
      next = next == Next::kValue ? value() : next == Next::kName ? name() : rest();
    }
    return std::move(scan_);
  }

 private:
  // What the grammar has next. kRest: whatever may follow a value.
  enum class Next { kValue, kName, kRest, kNothing };

  Next begin() {
    if (text_.starts_with(kByteOrderMark)) return fault("a byte order mark");
    if (is_wide(text_)) return fault("UTF-16 or UTF-32, not UTF-8");
    return Next::kValue;
  }

  Next value() {
    skip_blanks();
    if (nesting_.size() == 1) value_at_ = at_;
    switch (peek()) {
      case '{':
        return open(true);
      case '[':
        return open(false);
      case '"':
        return string();
      case 't':
        return word("true");
      case 'f':
        return word("false");
      case 'n':
        return word("null");
      default:
        return number();
    }
  }

  Next name() {
    skip_blanks();
    if (peek() != '"') return unexpected();
    const std::size_t first = at_ + 1;
    if (string() == Next::kNothing) return Next::kNothing;
    if (nesting_.size() == 1) {
      scan_.members.push_back({text_.substr(first, at_ - 1 - first), std::string_view()});
    }
    skip_blanks();
    if (peek() != ':') return unexpected();
    ++at_;
    return Next::kValue;
  }

  Next rest() {
    if (nesting_.size() == 1 && scan_.is_object) {
      scan_.members.back().value = text_.substr(value_at_, at_ - value_at_);
    }
    skip_blanks();
    if (nesting_.empty()) {
      return at_ == text_.size() ? Next::kNothing : fault("something after the end of the value");
    }
    if (peek() == (nesting_.back() ? '}' : ']')) return close();
    if (peek() != ',') return unexpected();
    ++at_;
    return nesting_.back() ? Next::kName : Next::kValue;
  }

  Next open(bool is_object) {
    ++at_;
    if (nesting_.empty()) scan_.is_object = is_object;
    nesting_.push_back(is_object);
    skip_blanks();
    if (peek() == (is_object ? '}' : ']')) return close();
    return is_object ? Next::kName : Next::kValue;
  }

  Next close() {
    ++at_;
    nesting_.pop_back();
    return Next::kRest;
  }

  Next string() {
    ++at_;
    for (;;) {
      at_ = static_cast<std::size_t>(std::find_if_not(text_.begin() + at_, text_.end(), is_plain) -
                                     text_.begin());
      if (at_ == text_.size()) return unexpected();
      const unsigned char byte = byte_at(text_, at_);
      if (byte == '"') {
        ++at_;
        return Next::kRest;
      }
      if (byte < 0x20) return fault("a control character in a string");
      const std::size_t size = byte == '\\' ? escape_size() : character_size();
      if (size == 0) return Next::kNothing;
      at_ += size;
    }
  }

  // Of what is here in a string; 0 after a fault.
  std::size_t escape_size() {
    const std::string_view rest = text_.substr(at_);
    constexpr std::string_view kLetters = "\"\\/bfnrt";
    if (rest.size() > 1 && kLetters.find(rest[1]) != std::string_view::npos) return 2;
    const std::string_view digits = rest.substr(std::min<std::size_t>(2, rest.size()), kHexDigits);
    const bool whole = rest.starts_with("\\u") && digits.size() == kHexDigits &&
                       std::all_of(digits.begin(), digits.end(), is_hex);
    if (!whole) (void)fault("an escape that there is not");
    return whole ? kUnicodeEscapeSize : 0;
  }
  std::size_t character_size() {
    const std::size_t size = utf8_size(text_.substr(at_));
    if (size == 0) (void)fault("bytes that are not UTF-8");
    return size;
  }

  Next number() {
    if (peek() == '-') ++at_;
    if (peek() == '0') {
      ++at_;
    } else if (!skip_digits()) {
      return unexpected();
    }
    if (peek() == '.') {
      ++at_;
      if (!skip_digits()) return unexpected();
    }
    if (peek() == 'e' || peek() == 'E') {
      ++at_;
      if (peek() == '+' || peek() == '-') ++at_;
      if (!skip_digits()) return unexpected();
    }
    return Next::kRest;
  }

  Next word(std::string_view expected) {
    for (const char c : expected) {
      if (peek() != c) return unexpected();
      ++at_;
    }
    return Next::kRest;
  }

  // NUL at the end, which no rule takes.
  [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  void skip_blanks() {
    while (peek() == ' ' || peek() == '\n' || peek() == '\r' || peek() == '\t') ++at_;
  }

  bool skip_digits() {
    const std::size_t first = at_;
    while (is_digit(peek())) ++at_;
    return at_ > first;
  }

  Next unexpected() {
    return fault(at_ == text_.size() ? "the text ends too early" : "an unexpected character");
  }

  Next fault(std::string_view what) {
    scan_.fault = JsonFault{at_, what};
    return Next::kNothing;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t value_at_ = 0;   // of the last member
  std::vector<bool> nesting_;  // what is open, outermost first: an object, or else an array
  JsonScan scan_;
};

}  // namespace

JsonScan scan_json(std::string_view text) {
  return Scanner(text).scan();
}

}  // namespace sluice::http
