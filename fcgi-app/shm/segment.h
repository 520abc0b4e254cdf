// Memory that the workers of a host share: one file on tmpfs, which each of them maps. It is a row
// of regions, and knows nothing of what is in them.
//
//   byte 0      "sluice", and the version of this layout: 2 bytes, 1
//   byte 8      the directory: 8 bytes for each region, in the order in which they lie, and 0 after
//               the last. Bits 0 to 15 are its id, 16 to 31 its version, 32 to 63 its size, in
//               units of 64 bytes
//   byte 4096   the regions, one right behind the other
//
// Numbers are little-endian. A region begins as zeros, which must mean "nothing yet" to whoever
// uses it. None is ever moved, resized or taken away: who does not find its region, in its version
// and size, adds one behind the last. So workers of two releases use one file, and each
// finds its own.
//
// There is no lock. An entry of the directory is one word that is set once, and the entries alone
// say where a region lies; its memory is reserved before. So a worker may die anywhere, and of
// several that add the same region at once one does it. How the memory of a region is shared is its
// users' business.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace sluice::shm {

// What a region is told by.
struct Region {
  std::uint16_t id = 0;  // never 0
  std::uint16_t version = 0;
  std::size_t bytes = 0;  // more than 0, less than 256 GiB
};

class Segment {
 public:
  // Maps the file with the regions that are wanted. `create` makes the file (mode 0600) and the
  // regions that are missing. All memory is reserved at once: a store to a page for which tmpfs has
  // no room would be a SIGBUS. Errors, in one line with the path: kNotFound, where something is
  // missing, without `create`; kSystem, also for a file that is another user's, or holds
  // something else: anybody may write to /dev/shm.
  [[nodiscard]] static Result<Segment> open(const std::string& path, std::span<const Region> wanted,
                                            bool create);
  // The same regions in memory of this process alone.
  [[nodiscard]] static Result<Segment> anonymous(std::span<const Region> wanted);

  Segment(Segment&& other) noexcept
      : mapped_(std::exchange(other.mapped_, {})), places_(std::move(other.places_)) {}
  Segment& operator=(Segment&&) = delete;
  Segment(const Segment&) = delete;
  Segment& operator=(const Segment&) = delete;
  ~Segment();

  // The memory of a region, aligned to 64 bytes. REQUIRES: it is one of those wanted.
  [[nodiscard]] std::span<std::byte> memory(const Region& region) const;

 private:
  struct Place {
    Region region;
    std::size_t offset = 0;
  };

  Segment(std::span<std::byte> mapped, std::vector<Place> places)
      : mapped_(mapped), places_(std::move(places)) {}

  std::span<std::byte> mapped_;
  std::vector<Place> places_;
};

}  // namespace sluice::shm
