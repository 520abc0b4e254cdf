#include "base/recycled.h"

#include <new>
#include <numeric>

namespace sluice {

void* Shelves::take(std::size_t size) {
  if (size > kMostBytes) return ::operator new(size);
  Shelf& shelf = shelves_[number_of(size)];
  if (!shelf.first) return ::operator new(bytes_of(number_of(size)));
  Unused* const memory = shelf.first;
  shelf.first = memory->next;
  --shelf.count;
  return memory;
}

void Shelves::give(void* memory, std::size_t size) noexcept {
  if (size > kMostBytes) return ::operator delete(memory);
  Shelf& shelf = shelves_[number_of(size)];
  if (shelf.count == kMostKept) return ::operator delete(memory);
  shelf.first = new (memory) Unused{shelf.first};
  ++shelf.count;
}

void Shelves::clear() noexcept {
  for (Shelf& shelf : shelves_) {
    while (shelf.first) {
      Unused* const memory = shelf.first;
      shelf.first = memory->next;
      ::operator delete(memory);
    }
    shelf.count = 0;
  }
}

std::size_t Shelves::kept() const {
  return std::accumulate(shelves_.begin(), shelves_.end(), std::size_t{0},
                         [](std::size_t sum, const Shelf& shelf) { return sum + shelf.count; });
}

#if defined(SLUICE_RECYCLES_NOTHING)

// NOLINTNEXTLINE(misc-new-delete-overloads)
void* Recycled::operator new(std::size_t size) {
  return ::operator new(size);
}

void Recycled::operator delete(void* memory, std::size_t /*size*/) noexcept {
  ::operator delete(memory);
}

#else

namespace {

constinit thread_local Shelves shelves;

}  // namespace

// NOLINTNEXTLINE(misc-new-delete-overloads)
void* Recycled::operator new(std::size_t size) {
  return shelves.take(size);
}

void Recycled::operator delete(void* memory, std::size_t size) noexcept {
  shelves.give(memory, size);
}

#endif

}  // namespace sluice
