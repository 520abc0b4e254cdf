// What workers count under: a table of names in shared memory, in which each name has a number that
// is the same for all of them. A number is never given back, so that what was counted under it
// stays right.
//
// The memory is kPlaces entries of kWords words. A name stands at the first free entry from its
// hash on, and the index of the entry is its number.
//
//   word 0         the hash of the name; 0: nobody's
//   word 1         how many bytes the name has; 0: it is not written yet
//   words 2 to 23  the name
//
// There is no lock. Who sets the hash of an entry has claimed it. If that worker dies before it has
// written the name, the next that counts under it writes it.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

namespace sluice::telemetry {

// A count, or whatever else workers share.
using Word = std::atomic<std::uint64_t>;
static_assert(Word::is_always_lock_free && sizeof(Word) == 8);

class Names {
 public:
  static constexpr std::size_t kPlaces = 128;
  // How many of the places are given away: a search for a name ends at a free one. Of workers that
  // claim at the same moment each may go one beyond.
  static constexpr std::size_t kMost = 96;
  // Of all names for which there was no place, and of this name itself.
  static constexpr std::size_t kOther = kPlaces;
  static constexpr std::string_view kOtherName = "other";
  static constexpr std::size_t kWords = 24;
  static constexpr std::size_t kMaxBytes = (kWords - 2) * sizeof(Word);

  // `memory` has kPlaces * kWords words, at first all zero. It outlives the object.
  explicit Names(std::span<Word> memory) : words_(memory) {}

  // The number of the name that these parts make. Nothing waits, and nothing fails: for every
  // request. A new name is given a place.
  using Parts = std::initializer_list<std::string_view>;
  [[nodiscard]] std::size_t number(Parts parts) {
    const std::uint64_t hash = hash_of(parts);
    if (hash == kOtherHash) return kOther;
    std::size_t at = hash % kPlaces;
    for (std::size_t tries = 0; tries < kPlaces; ++tries, at = (at + 1) % kPlaces) {
      const std::uint64_t owner = entry(at)[0].load(std::memory_order_relaxed);
      if (owner == hash && entry(at)[1].load(std::memory_order_relaxed) != 0) return at;
      if (owner == 0 || owner == hash) return claim(at, hash, parts);
    }
    return kOther;
  }

  // The name that has this number; kOtherName of kOther; "" of a number that no name has.
  [[nodiscard]] std::string text(std::size_t number) const;

 private:
  // FNV-1a, of 64 bits: names are the config's, so nobody makes two of one hash.
  static constexpr std::uint64_t hash_of(Parts parts) {
    std::uint64_t hash = 0xcbf29ce484222325U;
    for (const std::string_view part : parts) {
      for (const char c : part) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
    }
    return hash == 0 ? 1 : hash;
  }
  static const std::uint64_t kOtherHash;

  [[nodiscard]] std::span<Word> entry(std::size_t at) const {
    return words_.subspan(at * kWords, kWords);
  }
  [[nodiscard]] std::size_t claim(std::size_t at, std::uint64_t hash, Parts parts);
  [[nodiscard]] bool is_full();

  std::span<Word> words_;
  bool is_full_ = false;  // once it is, it stays so
};

inline constexpr std::uint64_t Names::kOtherHash = hash_of({kOtherName});

}  // namespace sluice::telemetry
