// Looks over the raw text of one config file, before libconfig sees it.
//
// libconfig 1.5 says nothing when an integer does not fit (it wraps), when a comment is not closed
// (it ends the file there) or when a string holds \x00 (it cuts it). Of a character that cannot be
// seen it says only "syntax error".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/character.h"
#include "config/document/report.h"

namespace sluice::config {

// An `@include "name"` of a text.
struct Include {
  std::string name;  // as written
  unsigned line;
  std::size_t begin;  // where it stands in the text, in bytes
  std::size_t end;
};

// Reads the tokens of a file as libconfig's scanner.l does.
class Scanner {
 public:
  // `file`: its number in `report`. Both, and the text, outlive the scanner.
  Scanner(std::string_view text, std::size_t file, Report& report);

  // Complains of what is wrong. False if libconfig must not read the text; it may if only integers
  // are wrong.
  [[nodiscard]] bool scan();

  // In the order of the text.
  [[nodiscard]] const std::vector<Include>& includes() const { return includes_; }

 private:
  enum class Part { kComment, kString, kOther };

  void token();
  void line_comment();
  void block_comment();
  std::string_view string();
  void include();
  void word();
  void check_integer(std::string_view word);
  void check(const Character& character, Part part);
  void take(std::size_t count, Part part = Part::kOther);
  void complain(std::string message) { report_.complain({file_, line_}, std::move(message)); }
  void refuse(std::string message);

  std::string_view text_;
  std::string_view rest_;
  std::size_t file_;
  Report& report_;
  unsigned line_ = 1;
  std::size_t column_ = 1;
  unsigned blamed_line_ = 0;  // the last line with a complaint about a character
  bool at_line_start_ = true;
  bool sound_ = true;
  std::vector<Include> includes_;
};

}  // namespace sluice::config
