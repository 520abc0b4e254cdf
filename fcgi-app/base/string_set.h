// A set of strings that is asked by views of them.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <unordered_set>

namespace sluice {

struct StringHash {
  using is_transparent = void;
  [[nodiscard]] std::size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>{}(text);
  }
};

using StringSet = std::unordered_set<std::string, StringHash, std::equal_to<>>;

}  // namespace sluice
