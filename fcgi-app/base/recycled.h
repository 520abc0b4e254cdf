// Recycled: the base of what comes and goes with each request. Its memory is kept for the next of
// about its size.
//
// Where many are in use at once malloc() is slow: of a size it has seven at hand, and of what is
// longer than a kilobyte none.
#pragma once

#include <array>
#include <cstddef>

namespace sluice {

// Memory that is not in use, by size. It has no destructor, so it serves who goes last, too: what
// it keeps at the end stays.
class Shelves {
 public:
  [[nodiscard]] void* take(std::size_t size);
  void give(void* memory, std::size_t size) noexcept;
  // Frees what is kept.
  void clear() noexcept;
  // How many pieces are kept.
  [[nodiscard]] std::size_t kept() const;

 private:
  static constexpr std::size_t kStep = 128;
  static constexpr std::size_t kMostBytes = 16 * kStep;  // of what is longer nothing is kept
  static constexpr std::size_t kMostKept = 128;          // of each size

  struct Unused {
    Unused* next;
  };
  struct Shelf {
    Unused* first = nullptr;
    std::size_t count = 0;
  };

  static constexpr std::size_t number_of(std::size_t size) { return (size - 1) / kStep; }
  static constexpr std::size_t bytes_of(std::size_t number) { return (number + 1) * kStep; }

  std::array<Shelf, kMostBytes / kStep> shelves_{};
};

// Each thread has shelves of its own. With AddressSanitizer (SLUICE_RECYCLES_NOTHING) there are
// none, as it looks for who uses what is gone. REQUIRES: the class has no stricter alignment than
// any scalar.
struct Recycled {
  // NOLINTNEXTLINE(misc-new-delete-overloads): the check does not know a delete with a size
  static void* operator new(std::size_t size);
  static void operator delete(void* memory, std::size_t size) noexcept;
};

}  // namespace sluice
