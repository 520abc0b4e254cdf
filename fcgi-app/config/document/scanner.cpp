#include "config/document/scanner.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdint>
#include <limits>

#include <fmt/format.h>

namespace sluice::config {
namespace {

// Whether it is a quotation mark of some language.
bool is_quote(char32_t code) {
  constexpr std::u32string_view kQuotes = U"\u00ab\u00bb\u2039\u203a\u300c\u300d\uff02\uff07";
  return (code >= 0x2018 && code <= 0x201f) || kQuotes.find(code) != std::u32string_view::npos;
}

// Whether `c` may stand in a name or a number.
bool belongs_to_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
         std::string_view("-+._*").find(c) != std::string_view::npos;
}

}  // namespace

Scanner::Scanner(std::string_view text, std::size_t file, Report& report)
    : text_(text), rest_(text), file_(file), report_(report) {}

bool Scanner::scan() {
  if (rest_.starts_with("\xff\xfe") || rest_.starts_with("\xfe\xff")) {
    refuse("the file is UTF-16; save it as UTF-8");
    return false;
  }
  if (const std::size_t nul = rest_.find('\0'); nul != std::string_view::npos) {
    line_ += static_cast<unsigned>(std::count(rest_.begin(), rest_.begin() + nul, '\n'));
    refuse("the file holds a NUL byte; a config is text");
    return false;
  }
  while (!rest_.empty()) token();
  return sound_;
}

void Scanner::token() {
  const char c = rest_.front();
  if (c == '#' || rest_.starts_with("//")) return line_comment();
  if (rest_.starts_with("/*")) return block_comment();
  if (c == '"') return static_cast<void>(string());
  if (c == '@') return include();
  if (belongs_to_word(c)) return word();
  take(first_character(rest_).size);
}

void Scanner::line_comment() {
  const std::size_t end = rest_.find('\n');
  if (end == std::string_view::npos)
    refuse("the comment at the end of the file has no newline after it; add one");
  take(end, Part::kComment);
}

void Scanner::block_comment() {
  const std::size_t end = rest_.find("*/", 2);
  if (end == std::string_view::npos) {
    refuse("comment is never closed; add */");
    return take(end, Part::kComment);
  }
  take(end + 2, Part::kComment);
}

// The string at the front as it is written, without its quotes. libconfig lets a string run over
// many lines. No value needs that, and to refuse it finds the line of a forgotten quote.
std::string_view Scanner::string() {
  std::size_t end = 1;
  while (end < rest_.size() && rest_[end] != '"' && rest_[end] != '\n') {
    if (rest_.substr(end).starts_with("\\x00") || rest_.substr(end).starts_with("\\X00")) {
      refuse("a string must not hold \\x00");
    }
    const bool escape = rest_[end] == '\\' && end + 1 < rest_.size() && rest_[end + 1] != '\n';
    end += escape ? 2 : 1;
  }
  const std::string_view content = rest_.substr(1, end - 1);
  if (end >= rest_.size() || rest_[end] == '\n') {
    refuse("string is not closed on its line; add \"");
    take(end, Part::kString);
  } else {
    take(end + 1, Part::kString);
  }
  return content;
}

// libconfig knows @include only at the start of a line. Elsewhere it calls it a syntax error.
void Scanner::include() {
  constexpr std::string_view kDirective = "@include";
  const std::size_t begin = text_.size() - rest_.size();
  const unsigned line = line_;
  if (!includes_.empty() && includes_.back().line == line)
    refuse("a line may have only one @include");
  if (!at_line_start_ || !rest_.starts_with(kDirective)) return take(1);
  take(kDirective.size());
  const std::size_t blanks = std::min(rest_.find_first_not_of(" \t"), rest_.size());
  take(blanks);
  if (blanks == 0 || !rest_.starts_with('"')) return;
  std::string name(string());
  includes_.push_back({std::move(name), line, begin, text_.size() - rest_.size()});
}

// A name or a number.
void Scanner::word() {
  std::size_t size = 1;
  while (size < rest_.size() && belongs_to_word(rest_[size])) ++size;
  check_integer(rest_.substr(0, size));
  take(size);
}

void Scanner::check_integer(std::string_view word) {
  std::string_view digits = word.substr(word.starts_with('+') ? 1 : 0);
  const bool hex = digits.starts_with("0x") || digits.starts_with("0X");
  if (hex) digits.remove_prefix(2);
  const bool wide = digits.ends_with('L');
  while (digits.ends_with('L')) digits.remove_suffix(1);
  std::int64_t value = 0;
  const char* const end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, value, hex ? 16 : 10);
  if (error == std::errc::invalid_argument || stop != end) return;
  if (error == std::errc::result_out_of_range) {
    complain(fmt::format("integer {} needs more than 64 bits", word));
  } else if (!wide && (value < std::numeric_limits<std::int32_t>::min() ||
                       value > std::numeric_limits<std::int32_t>::max())) {
    complain(fmt::format("integer {} needs more than 32 bits: write {}L", word, word));
  }
}

// A comment may hold any character but those that make it look as if it ended elsewhere.
void Scanner::check(const Character& character, Part part) {
  const Sight sight = character.sight;
  if (sight == Sight::kPlain || blamed_line_ == line_) return;
  if (part == Part::kComment && sight != Sight::kTurning) return;
  if (part == Part::kString && sight == Sight::kForeign) return;
  blamed_line_ =
      line_;  // once a line: text pasted from a page has such a character in each indentation
  if (auto complaint = complaint_of(character, column_)) return refuse(std::move(*complaint));
  refuse(fmt::format(
      "\"{}\" ({}) in column {} {}", rest_.substr(0, character.size), character.text(), column_,
      is_quote(character.code) ? "does not begin a string; type \""
                               : "is not ASCII; only strings and comments may hold it"));
}

void Scanner::take(std::size_t count, Part part) {
  for (count = std::min(count, rest_.size()); count > 0;) {
    const Character character = first_character(rest_);
    check(character, part);
    const char32_t c = character.code;
    at_line_start_ = c == '\n' || (at_line_start_ && (c == ' ' || c == '\t'));
    ++column_;
    if (c == '\n') {
      ++line_;
      column_ = 1;
    }
    count -= std::min(count, character.size);
    rest_.remove_prefix(character.size);
  }
}

void Scanner::refuse(std::string message) {
  sound_ = false;
  complain(std::move(message));
}

}  // namespace sluice::config
