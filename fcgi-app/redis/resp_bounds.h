// Follows what Redis sends, by the lengths that it announces alone, and says when a reply becomes
// larger than any that a worker asks for. A parser would make room for what was announced.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::redis {

class RespBounds {
 public:
  // Of one reply: all that its arrays hold, how deep they stand in each other, its bytes, and those
  // of a line (a status, an error or a number).
  static constexpr std::int64_t kMaxElements = 1024;
  static constexpr std::size_t kMaxDepth = 7;
  static constexpr std::int64_t kMaxBytes = std::int64_t{1} << 20;
  static constexpr std::size_t kMaxLine = std::size_t{1} << 16;

  // The next bytes, cut anywhere. What is wrong, in one line, when a reply breaks a bound or is
  // none of Redis's; what comes after that is not to be fed.
  [[nodiscard]] std::optional<std::string> feed(std::string_view bytes);

 private:
  [[nodiscard]] std::optional<std::string> step(std::string_view& bytes);
  [[nodiscard]] std::optional<std::string> end_line();
  [[nodiscard]] std::optional<std::string> open(std::int64_t size);
  void skip(std::string_view& bytes);
  void end_element();

  std::string line_;                // so far: its type, then what follows
  std::int64_t bulk_left_ = 0;      // of a bulk and the line's end behind it
  std::vector<std::int64_t> left_;  // in each open array, the outermost first
  std::int64_t elements_ = 0;       // of this reply
  std::int64_t bytes_ = 0;          // of this reply, those announced too
};

}  // namespace sluice::redis
