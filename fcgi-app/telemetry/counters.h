// What workers count, in memory that those of a host share: a slot for each worker, so that none
// waits for another. What all of them have counted is the sum over the slots, whoever had them.
//
// The memory is words, 8 bytes each, little-endian: first what all workers share, then the slots.
//
//   3 * 3072 words  the names of routes, of limits and of tenants (names.h)
//   128 words       of each tenant what top_tenants.h keeps
//
// A slot has 1216 words:
//
//   word 0      whose it is: bits 0 to 21 are a worker's pid, 22 to 63 when that process began
//               (field 22 of /proc/PID/stat), so that a pid used again is no mistake; 0: nobody's
//   from 1      one for each of kTotals
//   from 8      how long decisions took: one for each of kDurationBounds, one for what took longer,
//               and the sum in microseconds
//   from 24     the same of calls of the store
//   from 40     one for each of kStoreFaults
//   from 48     for each route, by the number of its name: one for each of kOutcomes. Names::kOther
//               stands for what matches no route, too
//   from 693    for each limit: one for each of kLimitEvents
//   from 1080   for each tenant: how many of its requests were denied
//
// A worker gives its slot back when it ends. One that dies does not; who needs a slot takes it
// over. Whoever has a slot goes on from what is in it, so no count is lost. Each count is one
// atomic addition: nor is one lost where two workers take each other for dead, as in two PID
// namespaces.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "base/clock.h"
#include "telemetry/names.h"

namespace sluice::telemetry {

// What became of a request. A new one stands last, as in the other tables of this file: it moves
// others and takes another Counters::kLayout.
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
  kOnStoreError,    // decisions that were left to on_store_error
  kBarred,          // that were denied by a bar
  kCrowded,         // of newcomers who had to share a bucket
  kUnits,           // that were charged, once for a decision, however many limits it charged
  kStoreDecisions,  // for which Redis was called, several in one call
  kScriptSent,      // calls that had to send the script, as Redis had forgotten it
};
inline constexpr std::array<std::string_view, 6> kTotals{
    "on_store_error", "barred", "crowded", "units", "store_decisions", "script_sent"};

// What is counted of each limit.
enum class LimitEvent {
  kDenied,        // it had no room for the cost
  kShadowDenied,  // the same of a limit in shadow mode, which denies nobody
  kNear,          // a decision was allowed, and left at most a fifth of the quota
};
inline constexpr std::array<std::string_view, 3> kLimitEvents{"denied", "shadow_denied", "near"};

// What went wrong with Redis: once for each connection and each reply.
enum class StoreFault {
  kRefused,   // no connection: nobody listens, no such name or socket, TLS fails
  kTimeout,   // to connect, or to answer a command, took too long
  kLost,      // a connection broke while somebody waited for a reply
  kError,     // it answered with an error, or did not let us log in
  kNonsense,  // its reply makes no sense
};
inline constexpr std::array<std::string_view, 5> kStoreFaults{"refused", "timeout", "lost", "error",
                                                              "nonsense"};

// What takes time.
enum class Timed { kDecision, kStoreCall };

// Up to how many microseconds it took.
inline constexpr std::array<std::int64_t, 13> kDurationBounds{
    100, 250, 500, 1000, 2500, 5000, 10'000, 25'000, 50'000, 100'000, 250'000, 500'000, 1'000'000};

// Where a count lies in each slot.
struct Place {
  std::size_t word = 0;
};

class Counters {
  static constexpr std::size_t kNumbers = Names::kOther + 1;
  static constexpr std::size_t kFirstTotal = 1;
  static constexpr std::size_t kFirstDuration = 8;
  static constexpr std::size_t kDurationWords = 16;  // of each that is timed
  static constexpr std::size_t kFirstFault = kFirstDuration + 2 * kDurationWords;
  static constexpr std::size_t kFirstRoute = 48;
  static constexpr std::size_t kFirstLimit = kFirstRoute + kNumbers * kOutcomes.size();
  static constexpr std::size_t kFirstTenant = kFirstLimit + kNumbers * kLimitEvents.size();
  static constexpr std::size_t kEnd = kFirstTenant + kNumbers;
  static constexpr std::size_t kLineWords = 8;
  static constexpr std::size_t kSlotWords = (kEnd + kLineWords - 1) / kLineWords * kLineWords;
  static constexpr std::size_t kNameWords = Names::kPlaces * Names::kWords;
  static constexpr std::size_t kHeadWords = 3 * kNameWords + Names::kPlaces;
  static_assert(kFirstTotal + kTotals.size() <= kFirstDuration);
  static_assert(kDurationBounds.size() + 2 <= kDurationWords);
  static_assert(kFirstFault == 40 && kFirstFault + kStoreFaults.size() <= kFirstRoute);
  static_assert(kFirstLimit == 693 && kFirstTenant == 1080 && kSlotWords == 1216);

 public:
  static constexpr std::size_t kSlots = 256;
  // Of the memory, and the version of what is in it.
  static constexpr std::size_t kBytes = (kHeadWords + kSlots * kSlotWords) * sizeof(Word);
  static constexpr std::uint16_t kLayout = 3;

  // Takes a slot for this process. `memory` has kBytes, aligned to 64, at first all zero; it
  // outlives the object.
  explicit Counters(std::span<std::byte> memory);
  ~Counters();
  Counters(const Counters&) = delete;
  Counters& operator=(const Counters&) = delete;

  // False: all are taken, and it counts in memory of its own.
  [[nodiscard]] bool has_slot() const { return !own_; }

  // Whose numbers the places below are by.
  [[nodiscard]] Names& routes() { return routes_; }
  [[nodiscard]] Names& limits() { return limits_; }
  [[nodiscard]] Names& tenants() { return tenants_; }

  static constexpr Place of(Total total) { return {kFirstTotal + static_cast<std::size_t>(total)}; }
  static constexpr Place of_route(std::size_t route, Outcome outcome) {
    return {kFirstRoute + route * kOutcomes.size() + static_cast<std::size_t>(outcome)};
  }
  static constexpr Place of_limit(std::size_t limit, LimitEvent event) {
    return {kFirstLimit + limit * kLimitEvents.size() + static_cast<std::size_t>(event)};
  }
  static constexpr Place of(StoreFault fault) {
    return {kFirstFault + static_cast<std::size_t>(fault)};
  }
  static constexpr Place of_tenant(std::size_t tenant) { return {kFirstTenant + tenant}; }
  // Those that took as long as kDurationBounds[i] at most, and longer than the bound before; behind
  // the last bound: all others.
  static constexpr Place of_duration(Timed what, std::size_t i) {
    return {kFirstDuration + static_cast<std::size_t>(what) * kDurationWords + i};
  }
  static constexpr Place of_duration_sum(Timed what) {
    return of_duration(what, kDurationBounds.size() + 1);
  }

  // Nothing waits, and nothing fails: for every request.
  void add(Place place, std::uint64_t count = 1) {
    slot_[place.word].fetch_add(count, std::memory_order_relaxed);
  }
  void add_duration(Timed what, Duration took) {
    std::size_t i = 0;
    while (i < kDurationBounds.size() && took.count() > kDurationBounds[i]) ++i;
    add(of_duration(what, i));
    add(of_duration_sum(what), static_cast<std::uint64_t>(std::max<std::int64_t>(0, took.count())));
  }

  // What all workers have counted.
  [[nodiscard]] std::uint64_t sum(Place place) const;
  // How many workers there are.
  [[nodiscard]] std::size_t workers() const;
  // Shared by all workers: a word for each number of a tenant's name.
  [[nodiscard]] std::span<Word> told_of_tenants() const { return told_; }

 private:
  using Slot = std::span<Word>;

  [[nodiscard]] Slot slot(std::size_t number) const {
    return slots_.subspan(number * kSlotWords, kSlotWords);
  }
  [[nodiscard]] Slot take_slot() const;

  std::span<Word> words_;
  Names routes_;
  Names limits_;
  Names tenants_;
  std::span<Word> told_;
  std::span<Word> slots_;
  std::uint64_t me_;
  std::unique_ptr<Word[]> own_;  // NOLINT(*-avoid-c-arrays); where no slot was free
  Slot slot_;
};

}  // namespace sluice::telemetry
