#include "nginx_config/scanner.h"

#include <algorithm>

namespace sluice::nginx_config {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";
constexpr std::string_view kLuaBlock = "_by_lua_block";

bool is_blank(char c) {
  return kBlanks.find(c) != std::string_view::npos;
}

// Only these escapes mean something to nginx; elsewhere the backslash stays.
std::string without_escapes(std::string_view text) {
  constexpr std::string_view kEscaped = "\"'\\trn";
  constexpr std::string_view kMeant = "\"'\\\t\r\n";
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_escape = text[i] == '\\' && i + 1 < text.size();
    const std::size_t which = is_escape ? kEscaped.find(text[i + 1]) : std::string_view::npos;
    plain += which == std::string_view::npos ? text[i] : kMeant[which];
    if (which != std::string_view::npos) ++i;
  }
  return plain;
}

}  // namespace

void Scanner::skip(std::size_t count) {
  const std::string_view skipped = text_.substr(at_, count);
  line_ += static_cast<unsigned>(std::count(skipped.begin(), skipped.end(), '\n'));
  at_ += skipped.size();
}

// Behind the next `mark`, or to the end.
void Scanner::skip_to(std::string_view mark) {
  const std::size_t found = text_.find(mark, at_);
  skip(found == std::string_view::npos ? text_.size() - at_ : found - at_ + mark.size());
}

void Scanner::skip_blanks() {
  while (!at_end() && (is_blank(front()) || front() == '#')) {
    if (front() == '#') {
      skip_to("\n");
    } else {
      skip(1);
    }
  }
}

Result<std::string> Scanner::quoted_word() {
  const char quote = front();
  skip(1);
  const std::size_t begin = at_;
  while (!at_end() && front() != quote) skip(front() == '\\' ? 2 : 1);
  if (at_end()) return fail(ErrorCode::kInvalidConfig, "the file ends within a quoted text");
  const std::string_view word = text_.substr(begin, at_ - begin);
  skip(1);
  return without_escapes(word);
}

// In ${name} the brace opens no block.
Result<std::string> Scanner::word() {
  if (front() == '"' || front() == '\'') return quoted_word();
  const std::size_t begin = at_;
  bool is_variable = false;
  while (!at_end() && !is_blank(front()) && front() != ';') {
    if (front() == '{' && !is_variable) break;
    is_variable = front() == '$';
    skip(front() == '\\' ? 2 : 1);
  }
  return without_escapes(text_.substr(begin, at_ - begin));
}

Result<Statement> Scanner::next() {
  Statement statement;
  for (skip_blanks(); !at_end(); skip_blanks()) {
    if (statement.words.empty()) statement.line = line_;
    const char c = front();
    const bool is_end = c == ';' || c == '{' || (c == '}' && statement.words.empty());
    if (!is_end) {
      auto read = word();
      if (!read) return tl::unexpected(read.error());
      statement.words.push_back(std::move(*read));
      continue;
    }
    skip(1);
    if (c == '}') {
      statement.end = Statement::End::kClose;
      return statement;
    }
    if (statement.words.empty()) {
      return fail(ErrorCode::kInvalidConfig, std::string("nothing stands before \"") + c + '"');
    }
    statement.end = c == ';' ? Statement::End::kSemicolon : Statement::End::kOpen;
    const bool is_lua = c == '{' && statement.words.front().ends_with(kLuaBlock);
    if (!is_lua) return statement;
    statement.end = Statement::End::kSemicolon;
    if (skip_lua()) return statement;
  }
  if (statement.words.empty()) return statement;
  return fail(ErrorCode::kInvalidConfig, "the file ends within a directive");
}

// Behind the brace that closes the block; false where there is none.
bool Scanner::skip_lua() {
  for (std::size_t depth = 1; !at_end();) {
    if (front() == '{') ++depth;
    if (front() == '}' && --depth == 0) {
      skip(1);
      return true;
    }
    skip_lua_token();
  }
  return false;
}

// A comment, a text, or a character: what may hold a brace that is none.
void Scanner::skip_lua_token() {
  const char c = front();
  if (c == '"' || c == '\'') {
    skip(1);
    while (!at_end() && front() != c) skip(front() == '\\' ? 2 : 1);
    return skip(1);
  }
  const bool is_comment = text_.substr(at_).starts_with("--");
  if (is_comment) skip(2);
  if (!at_end() && front() == '[') {
    const std::size_t level = text_.find_first_not_of('=', at_ + 1);
    if (level != std::string_view::npos && text_[level] == '[') {
      return skip_to("]" + std::string(level - at_ - 1, '=') + "]");
    }
  }
  if (is_comment) return skip_to("\n");
  skip(1);
}

}  // namespace sluice::nginx_config
