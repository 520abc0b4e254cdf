// The buckets in a mapped file: a hash table of records, each replaced as a whole.
//
// A slot is the first of a list of records, linked by next_record; a record is a key, an expiry,
// when it was asked for last, and the bytes of a bucket, in one block or several, linked by
// next_block. Of two records of one key the one nearer to the slot counts; the other is shadowed,
// and about to go.
//
// All or nothing, whatever instruction a worker dies at:
//   1. New records are written into free blocks; nothing leads to them yet.
//   2. The journal lists which slot is to point to which of them. Storing its count publishes it:
//      that one store is the decision.
//   3. The slots are swapped, the shadowed records unlinked and freed, the count set to 0.
// A record that only goes (expired, evicted, reset) is unlinked by one store, and its blocks freed
// after. Recovery does what was published again (doing it twice is doing it once), and finds the
// blocks in use anew, by following every slot. So a death before the publishing store undoes the
// decision, and one after it completes it.
//
// The stores that matter are kept in order by store_in_order(). That orders the compiler; the
// machine need not be told, as a process dies between two of its own instructions, and whoever
// gets the mutex next sees all that it had done.
//
// Room is made by a hand that moves over the blocks, and never by a walk over all of them:
//   - A decision that needs more blocks than it replaces moves it by kSweep for each of those, once
//     a quarter of the file is in use, and what has expired there goes. Before that it costs
//     nothing, and a clock that is set back finds it again.
//   - While room is lacking, the hand moves on by up to kReach blocks. What has expired there goes;
//     if that is too little, of the records there the one goes that was asked for longest ago. So
//     the youngest of those that it meets never goes, unless it meets that alone.
// The decision's own buckets are spared. kReserve blocks are for decisions that need no more blocks
// than they replace: so these evict nothing but for a log of more blocks than that.
//
// All of it REQUIRES the file's mutex, but size().
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "store/shm/bucket_file.h"
#include "store/shm/shm_arena.h"

namespace sluice::store {

class ShmTable {
 public:
  static constexpr std::size_t kReserve = 64;
  static constexpr std::size_t kSweep = 4;
  static constexpr std::size_t kReach = 16;

  // A key, and what says where it belongs: hashed once for each decision.
  struct Key {
    std::string_view text;
    std::uint32_t hash;
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
    std::size_t unused = 0;      // by counting the free ones
    std::size_t reachable = 0;   // by following every slot
    std::size_t records = 0;     // by the figure that is kept
    std::size_t recoveries = 0;  // how often a worker died with the mutex
  };

  // `file` outlives the table.
  ShmTable(const BucketFile& file, ShmStep on_step);

  [[nodiscard]] Key key(std::string_view text) const;
  // The bytes of a bucket, which is the last then to be evicted.
  [[nodiscard]] std::optional<std::string> find(const Key& key, TimePoint now) noexcept;
  // Writes all, and says how many live records it evicted for that; or writes none, where the file
  // is too small for what it replaces, what it writes and kReserve: then nullopt. REQUIRES: at most
  // kMaxChanges, of distinct keys of at most ShmArena::kMaxKey bytes.
  [[nodiscard]] std::optional<std::size_t> replace(std::span<const Write> writes,
                                                   TimePoint now) noexcept;
  bool erase(const Key& key) noexcept;
  void for_each(const std::function<void(std::string_view key, std::string_view value)>& f) const;

  // Makes the table consistent again, whatever the last owner of the mutex was at.
  void recover() noexcept;

  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] Usage usage() const;

 private:
  using Index = ShmArena::Index;
  static constexpr Index kNone = ShmArena::kNone;

  // The records that a decision replaces: until it is published, they stay.
  struct Replaced {
    std::array<Index, limits::kMaxChanges> records{};
    std::size_t count = 0;
    std::size_t blocks = 0;  // of all of them
  };

  [[nodiscard]] std::uint32_t slot_of(std::uint32_t hash) const;
  [[nodiscard]] Index record_of(const Key& key) const;

  [[nodiscard]] Replaced replaced_by(std::span<const Write> writes) const;
  void stage(std::span<const Write> writes, std::int64_t at) noexcept;
  void commit(std::size_t count) noexcept;
  void carry_out() noexcept;
  void drop_shadowed(Index record) noexcept;
  void drop(Index record) noexcept;
  void unlink(std::uint32_t& link) noexcept;
  void set_records(std::size_t records) noexcept;

  [[nodiscard]] std::optional<std::size_t> make_room(std::size_t needed, const Replaced& replaced,
                                                     std::int64_t at) noexcept;
  [[nodiscard]] Index sweep(const Replaced& replaced, std::int64_t at) noexcept;
  [[nodiscard]] bool evict(std::size_t wanted, const Replaced& replaced, std::int64_t at) noexcept;

  void recover_slot(std::size_t slot) noexcept;

  void step(std::string_view name) const {
    if (on_step_) on_step_(name);
  }

  ShmHeader& header_;
  std::span<std::uint32_t> slots_;
  ShmArena arena_;
  ShmStep on_step_;
};

}  // namespace sluice::store
