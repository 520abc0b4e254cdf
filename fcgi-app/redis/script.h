// A script that Redis runs by its SHA1. Redis may forget it at any time (a restart, SCRIPT FLUSH):
// it says NOSCRIPT then, and has run nothing.
#pragma once

#include <string>
#include <string_view>

namespace sluice::redis {

class Script {
 public:
  // `text` is static.
  explicit Script(std::string_view text);

  [[nodiscard]] std::string_view text() const { return text_; }
  [[nodiscard]] const std::string& sha() const { return sha_; }  // 40 hex digits

 private:
  std::string_view text_;
  std::string sha_;
};

}  // namespace sluice::redis
