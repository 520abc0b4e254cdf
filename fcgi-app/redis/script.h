// A script that Redis runs by its SHA1. Redis may forget it at any time (a restart, SCRIPT FLUSH):
// it says NOSCRIPT then, and has run nothing.
#pragma once

#include <string_view>

namespace sluice::redis {

class Script {
 public:
  // Both are static; `sha` is the SHA1 of `text`, as 40 hex digits.
  constexpr Script(std::string_view text, std::string_view sha) : text_(text), sha_(sha) {}

  [[nodiscard]] constexpr std::string_view text() const { return text_; }
  [[nodiscard]] constexpr std::string_view sha() const { return sha_; }

 private:
  std::string_view text_;
  std::string_view sha_;
};

}  // namespace sluice::redis
