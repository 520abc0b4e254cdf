// What workers count, in memory that those of a host share: a slot for each worker, so that none
// waits for another. What all of them have counted is the sum over the slots, whoever had them.
//
// The memory is slots of words, 8 bytes each, little-endian:
//
//   word 0         whose it is: bits 0 to 21 are a worker's pid, 22 to 63 when that process began
//                  (field 22 of /proc/PID/stat), so that a pid used again is no mistake; 0:
//                  nobody's
//   words 1 to 7   one for each of kTotals
//   words 8 to 135 eight for each route, by its number: one for each of kOutcomes. The last route
//                  stands for all others, and for what matches none
//
// A worker gives its slot back when it ends. One that dies does not; who needs a slot takes it
// over. Whoever has a slot goes on from what is in it, so no count is lost. Each count is one
// atomic addition: nor is one lost where two workers take each other for dead, as in two PID
// namespaces.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace sluice::telemetry {

// What became of a request. A new one stands last, as in the other tables of this file: workers of
// an older release share the memory, and must find their own where they were.
enum class Outcome {
  kAllowed,     // by its limits, or by on_store_error, or there was nothing to decide
  kDenied,      // by a limit, or by a bar
  kRefused,     // no such route, on the deny list, a false claim, or not to be understood
  kFailed,      // no store answered, and on_store_error denied
  kUnfinished,  // its handler threw (the client has a 500), or the worker ended before
};
inline constexpr std::array<std::string_view, 5> kOutcomes{"allowed", "denied", "refused", "failed",
                                                           "unfinished"};

// What is counted of all routes together.
enum class Total {
  kOnStoreError,  // decisions that were left to on_store_error
  kBarred,        // that were denied by a bar
  kCrowded,       // of newcomers who had to share a bucket
  kUnits,         // that were charged, once for a decision, however many limits it charged
};
inline constexpr std::array<std::string_view, 4> kTotals{"on_store_error", "barred", "crowded",
                                                         "units"};

class Counters {
  using Word = std::atomic<std::uint64_t>;
  static_assert(Word::is_always_lock_free);

 public:
  static constexpr std::size_t kRoutes = 16;
  static constexpr std::size_t kOtherRoutes = kRoutes - 1;
  static constexpr std::size_t kSlots = 256;
  // Of the memory, and the version of what is in it.
  static constexpr std::size_t kBytes = kSlots * (1 + kRoutes) * 64;
  static constexpr std::uint16_t kLayout = 1;

  // Takes a slot for this process. `memory` has kBytes, aligned to 64, at first all zero; it
  // outlives the object.
  explicit Counters(std::span<std::byte> memory);
  ~Counters();
  Counters(const Counters&) = delete;
  Counters& operator=(const Counters&) = delete;

  // False: all are taken, and it counts in memory of its own.
  [[nodiscard]] bool has_slot() const { return !own_; }

  // Nothing waits, and nothing fails: for every request.
  void add(std::size_t route, Outcome outcome) { bump(word(*slot_, route, outcome), 1); }
  void add(Total total, std::uint64_t count = 1) { bump(word(*slot_, total), count); }

  // What all workers have counted.
  [[nodiscard]] std::uint64_t sum(std::size_t route, Outcome outcome) const;
  [[nodiscard]] std::uint64_t sum(Total total) const;

 private:
  struct alignas(64) Slot {
    Word owner;
    std::array<Word, 7> totals;
    std::array<std::array<Word, 8>, kRoutes> routes;
  };
  static_assert(sizeof(Slot) * kSlots == kBytes);
  static_assert(kTotals.size() <= 7 && kOutcomes.size() <= 8);

  static Word& word(Slot& slot, std::size_t route, Outcome outcome) {
    return slot.routes[std::min(route, kOtherRoutes)][static_cast<std::size_t>(outcome)];
  }
  static Word& word(Slot& slot, Total total) {
    return slot.totals[static_cast<std::size_t>(total)];
  }
  static void bump(Word& word, std::uint64_t count) {
    word.fetch_add(count, std::memory_order_relaxed);
  }

  template <class... Which>
  [[nodiscard]] std::uint64_t sum_of(Which... which) const;
  [[nodiscard]] Slot* take_slot() const;

  std::span<Slot> slots_;
  std::uint64_t me_;
  std::unique_ptr<Slot> own_;  // where no slot was free
  Slot* slot_;
};

}  // namespace sluice::telemetry
