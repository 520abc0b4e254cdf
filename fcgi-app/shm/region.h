// Memory that all workers of a host share, by name: a file on tmpfs that each of them maps. It
// knows nothing of what is in it. It begins as zeros, which must mean "nothing yet" to whoever uses
// it; so it takes no making, and nothing is lost when a worker dies anywhere.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <utility>

#include "base/result.h"

namespace sluice::shm {

class Region {
 public:
  // Maps `bytes` of the file, which is made (mode 0600) where it is missing, if `create`. The name
  // says what is in it and which version. Errors, with the path: kNotFound; kSystem, also for a
  // file that is another user's, or is no file: anybody may write to /dev/shm.
  [[nodiscard]] static Result<Region> open(const std::string& path, std::size_t bytes, bool create);
  // Memory of this process alone.
  [[nodiscard]] static Result<Region> anonymous(std::size_t bytes);

  Region(Region&& other) noexcept : memory_(std::exchange(other.memory_, {})) {}
  Region& operator=(Region&&) = delete;
  Region(const Region&) = delete;
  Region& operator=(const Region&) = delete;
  ~Region();

  [[nodiscard]] std::span<std::byte> memory() const { return memory_; }

 private:
  explicit Region(std::span<std::byte> memory) : memory_(memory) {}

  std::span<std::byte> memory_;
};

}  // namespace sluice::shm
