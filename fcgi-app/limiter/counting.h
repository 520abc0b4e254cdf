// Which denials are being counted, so that of many at once one is.
#pragma once

#include <optional>
#include <set>
#include <string>

namespace sluice::limiter {

// A denial that is being counted: until end(), or until the task is gone.
class Counting {
 public:
  // `keys` outlives this.
  Counting(std::set<std::string>& keys, const std::string& key) : keys_(keys) {
    const auto [place, is_first] = keys.insert(key);
    if (is_first) place_ = place;
  }
  ~Counting() { end(); }
  Counting(const Counting&) = delete;
  Counting& operator=(const Counting&) = delete;

  // Whether none of the same key was under way.
  [[nodiscard]] bool is_first() const { return place_.has_value(); }
  void end() {
    if (place_) keys_.erase(*place_);
    place_.reset();
  }

 private:
  std::set<std::string>& keys_;
  std::optional<std::set<std::string>::iterator> place_;
};

}  // namespace sluice::limiter
