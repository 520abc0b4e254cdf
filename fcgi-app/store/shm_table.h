// The buckets in a mapped segment: a hash table of records, each replaced as a whole.
//
// A slot is the first of a list of records, linked by next_record; a record is a key, an expiry and
// the bytes of a bucket, in one block or several, linked by next_block. Of two records of one key
// the one nearer to the slot counts; the other is shadowed, and about to go.
//
// All or nothing, whatever instruction a worker dies at:
//   1. New records are written into free blocks; nothing leads to them yet.
//   2. The journal lists which slot is to point to which of them. Storing its count publishes it:
//      that one store is the decision.
//   3. The slots are swapped, the shadowed records unlinked, the count set to 0, blocks freed.
// A record that only goes (expired, reset) is unlinked by one store, and its blocks freed after.
// Recovery does the published swaps again (doing them twice is doing them once), unlinks what is
// shadowed, and finds the blocks in use anew, by following every slot. So a death before the
// publishing store undoes the decision, and one after it completes it.
//
// The stores that matter are kept in order by store_in_order(). That orders the compiler; the
// machine need not be told, as a process dies between two of its own instructions, and whoever
// gets the mutex next sees all that it had done.
//
// Expired records go a few slots at a time, with each bucket that is written, once a quarter of the
// blocks is in use. Before that they cost nothing, and a clock that is set back finds them again.
// When no block is free, all slots are swept, but not more often than kFullSweepPause, as that
// takes milliseconds and an attacker may bring it about. kReserve blocks are for decisions that
// need no more blocks than they free: so, full of live buckets, the table goes on charging those.
//
// All of it REQUIRES the segment's mutex, but size().
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "store/shm_arena.h"
#include "store/shm_segment.h"

namespace sluice::store {

class ShmTable {
 public:
  static constexpr std::size_t kReserve = 64;
  static constexpr std::size_t kSweepPerWrite = 4;  // slots
  static constexpr Duration kFullSweepPause = std::chrono::milliseconds(100);

  // A key, and where it belongs: hashed once for each decision.
  struct Key {
    std::string_view text;
    std::uint32_t hash;
    std::uint32_t slot;
  };
  struct Write {
    Key key;
    std::string value;
    TimePoint expires_at;
  };
  // For tests, and for people who watch how full it is.
  struct Usage {
    std::size_t blocks = 0;      // that can be used
    std::size_t free = 0;        // of them, by the figure that is kept
    std::size_t unused = 0;      // by the bits
    std::size_t reachable = 0;   // by following every slot
    std::size_t records = 0;     // by the figure that is kept
    std::size_t recoveries = 0;  // how often a worker died with the mutex
  };

  // `segment` outlives the table.
  ShmTable(const ShmSegment& segment, ShmStep on_step);

  [[nodiscard]] Key key(std::string_view text) const;
  [[nodiscard]] std::optional<std::string> find(const Key& key) const;
  // Writes all, or none where there is no room: then false. REQUIRES: at most kMaxChanges, of
  // distinct keys of at most ShmArena::kMaxKey bytes.
  [[nodiscard]] bool replace(std::span<const Write> writes, TimePoint now) noexcept;
  bool erase(const Key& key) noexcept;
  void for_each(const std::function<void(std::string_view key, std::string_view value)>& f) const;

  // Makes the table consistent again, whatever the last owner of the mutex was at.
  void recover() noexcept;

  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] Usage usage() const;

 private:
  using Index = ShmArena::Index;
  static constexpr Index kNone = ShmArena::kNone;

  [[nodiscard]] Index record_of(const Key& key) const;

  [[nodiscard]] bool has_room(std::span<const Write> writes) const;
  void stage(std::span<const Write> writes) noexcept;
  void commit(std::size_t count) noexcept;
  void swap_slots() noexcept;
  void drop_shadowed(const ShmJournal::Swap& swap) noexcept;
  void set_records(std::size_t records) noexcept;

  void sweep_some(std::size_t count, TimePoint now) noexcept;
  [[nodiscard]] bool sweep_all(TimePoint now) noexcept;
  void sweep(std::size_t slot, TimePoint now) noexcept;
  void unlink(std::uint32_t& link) noexcept;

  void expect(std::size_t slot) const;
  void recover_slot(std::uint32_t& slot) noexcept;
  [[nodiscard]] bool is_shadowed(Index record, Index first) const;

  void step(std::string_view name) const {
    if (on_step_) on_step_(name);
  }

  ShmHeader& header_;
  std::span<std::uint32_t> slots_;
  ShmArena arena_;
  ShmStep on_step_;
};

}  // namespace sluice::store
