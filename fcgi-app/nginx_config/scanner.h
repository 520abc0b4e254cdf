// The syntax of nginx's config files: words, quotes, escapes, comments and braces, as nginx reads
// them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sluice::nginx_config {

// The words up to a semicolon or a brace.
struct Statement {
  enum class End { kSemicolon, kOpen, kClose, kFile };

  End end = End::kFile;
  std::vector<std::string> words;  // none before kClose and kFile
  unsigned line = 0;               // of the first word, from 1
};

class Scanner {
 public:
  // REQUIRES: `text` outlives the object.
  explicit Scanner(std::string_view text) : text_(text) {}

  // The next statement. The Lua between the braces of a ..._by_lua_block is passed over.
  // Error: kInvalidConfig, without file and line: what nginx would not have taken.
  [[nodiscard]] Result<Statement> next();
  // Where it stands, from 1.
  [[nodiscard]] unsigned line() const { return line_; }

 private:
  [[nodiscard]] bool at_end() const { return at_ >= text_.size(); }
  [[nodiscard]] char front() const { return text_[at_]; }
  void skip(std::size_t count);
  void skip_to(std::string_view mark);
  void skip_blanks();
  [[nodiscard]] Result<std::string> word();
  [[nodiscard]] Result<std::string> quoted_word();
  [[nodiscard]] bool skip_lua();
  void skip_lua_token();

  std::string_view text_;
  std::size_t at_ = 0;
  unsigned line_ = 1;
};

}  // namespace sluice::nginx_config
