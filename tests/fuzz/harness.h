// What harnesses share: how a property is held, and how an input is taken apart.
//
// A harness is a function of its input alone: no clock, no environment, no state from one input to
// the next. So what is found once is found again.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

namespace sluice::fuzz {

// Ends the process, which is a finding, where `holds` is false.
inline void require(bool holds, const char* property, std::string_view seen = "") {
  if (holds) return;
  std::fprintf(stderr, "property violated: %s\n  seen: %.*s\n", property,
               static_cast<int>(seen.size()), seen.data());
  std::abort();
}

// The bytes of an input, taken from the front. What is not there any more reads as 0.
class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size)
      : rest_(reinterpret_cast<const char*>(data), size) {}
  explicit Input(std::string_view bytes) : rest_(bytes) {}

  [[nodiscard]] bool empty() const { return rest_.empty(); }

  // An integer in the bytes of its type, little-endian.
  template <class Integer>
  [[nodiscard]] Integer integer() {
    Integer value{};
    const std::string_view raw = bytes(sizeof value);
    if (!raw.empty()) std::memcpy(&value, raw.data(), raw.size());
    return value;
  }
  // From low to high.
  [[nodiscard]] std::int64_t between(std::int64_t low, std::int64_t high) {
    const auto span = static_cast<std::uint64_t>(high - low) + 1;
    return low + static_cast<std::int64_t>(integer<std::uint64_t>() % span);
  }
  [[nodiscard]] unsigned byte() { return integer<std::uint8_t>(); }

  [[nodiscard]] std::string_view bytes(std::size_t count) {
    const std::string_view front = rest_.substr(0, count);
    rest_.remove_prefix(front.size());
    return front;
  }
  // Up to the next line break, which is taken too.
  [[nodiscard]] std::string_view line() {
    const std::string_view front = rest_.substr(0, rest_.find('\n'));
    rest_.remove_prefix(std::min(rest_.size(), front.size() + 1));
    return front;
  }
  [[nodiscard]] std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

// A copy in memory of exactly its size, so that a read beyond it is seen.
class Exact {
 public:
  explicit Exact(std::string_view text) : bytes_(new char[text.size()]), size_(text.size()) {
    std::copy(text.begin(), text.end(), bytes_.get());
  }
  [[nodiscard]] std::string_view view() const { return {bytes_.get(), size_}; }

 private:
  std::unique_ptr<char[]> bytes_;
  std::size_t size_;
};

}  // namespace sluice::fuzz
