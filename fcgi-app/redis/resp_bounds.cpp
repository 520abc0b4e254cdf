#include "redis/resp_bounds.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/digits.h"

namespace sluice::redis {
namespace {

constexpr std::string_view kTypes = "+-:$*";
constexpr std::string_view kLineEnd = "\r\n";

// A length: digits, or -1 for nothing at all.
std::optional<std::int64_t> length(std::string_view text) {
  return text == "-1" ? -1 : parse_digits(text);
}

}  // namespace

std::optional<std::string> RespBounds::feed(std::string_view bytes) {
  while (!bytes.empty()) {
    if (auto wrong = step(bytes)) return wrong;
  }
  return std::nullopt;
}

// Takes the rest of a bulk off, or a line, or as much as is there.
std::optional<std::string> RespBounds::step(std::string_view& bytes) {
  if (bulk_left_ > 0) {
    skip(bytes);
    return std::nullopt;
  }
  if (line_.empty() && kTypes.find(bytes.front()) == std::string_view::npos) {
    return "does not answer as Redis does";
  }
  const std::size_t end = bytes.find('\n');
  const std::size_t size = end == std::string_view::npos ? bytes.size() : end + 1;
  if (line_.size() + size > kMaxLine) return fmt::format("a line beyond {} bytes", kMaxLine);
  line_ += bytes.substr(0, size);
  bytes.remove_prefix(size);
  return line_.ends_with(kLineEnd) ? end_line() : std::nullopt;
}

std::optional<std::string> RespBounds::end_line() {
  const std::string line = std::exchange(line_, {});
  bytes_ += static_cast<std::int64_t>(line.size());
  if (bytes_ > kMaxBytes) return fmt::format("a reply beyond {} bytes", kMaxBytes);
  const char type = line.front();
  if (type == '$' || type == '*') {
    const std::string_view digits(line.data() + 1, line.size() - 1 - kLineEnd.size());
    const auto size = length(digits);
    if (!size) return "a length that is none";
    if (type == '*') return open(*size);
    if (*size > kMaxBytes - bytes_) return fmt::format("a reply beyond {} bytes", kMaxBytes);
    if (*size >= 0) {
      bulk_left_ = *size + static_cast<std::int64_t>(kLineEnd.size());
      bytes_ += bulk_left_;
      return std::nullopt;
    }
  }
  end_element();
  return std::nullopt;
}

std::optional<std::string> RespBounds::open(std::int64_t size) {
  if (size > kMaxElements - elements_) {
    return fmt::format("a reply of more than {} elements", kMaxElements);
  }
  if (size <= 0) {
    end_element();
    return std::nullopt;
  }
  if (left_.size() == kMaxDepth) return fmt::format("arrays more than {} deep", kMaxDepth);
  elements_ += size;
  left_.push_back(size);
  return std::nullopt;
}

void RespBounds::skip(std::string_view& bytes) {
  const std::size_t size = std::min(bytes.size(), static_cast<std::size_t>(bulk_left_));
  bytes.remove_prefix(size);
  bulk_left_ -= static_cast<std::int64_t>(size);
  if (bulk_left_ == 0) end_element();
}

// An array ends with the last of its elements, and may be the last of another.
void RespBounds::end_element() {
  while (!left_.empty() && --left_.back() == 0) left_.pop_back();
  if (!left_.empty()) return;
  elements_ = 0;
  bytes_ = 0;
}

}  // namespace sluice::redis
