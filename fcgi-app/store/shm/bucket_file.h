// The file that all workers of a host map: its layout, how it comes to be, and its mutex.
//
//   ShmHeader | slots, 4 bytes each | marks, a bit for each block | blocks, 256 bytes each
//
// What the last three hold is told in shm_table.h. Everything is trivially copyable; words that are
// stored while others may look, or whose order matters, go through std::atomic_ref.
//
// Coming to be. Whoever opens the file locks its byte 0 until it is ready (fcntl(2), F_OFD_SETLK:
// the kernel lets go when the process dies), so of many at once one makes it. The file says
// "forming" first and "ready" last: one that a maker left half-way is made again. All keep a shared
// lock on byte 1 for life. Who finds itself alone makes the mutex anew, as its owner may have died
// with the machine or in another PID namespace, and has the table recovered. A file that survived a
// restart of the machine is made again: which of its pages were written back, nobody knows.
//
// The mutex is PTHREAD_MUTEX_ROBUST (pthread_mutexattr_setrobust(3)): when its owner dies, by
// SIGKILL too, the next to lock it gets EOWNERDEAD, makes the data consistent and then calls
// pthread_mutex_consistent; unlocking it without that call would spoil it for ever. The kernel
// tells owners apart by thread id, so all processes must be of one PID namespace; open() sees to
// it.
//
// The file should be on tmpfs, as /dev/shm is: elsewhere a store to it can wait for a disk.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <pthread.h>

#include "base/clock.h"
#include "base/result.h"
#include "limits/charge.h"
#include "shm/shared_file.h"

namespace sluice::store {

// Told of every step that a crash may come after. For tests; null costs one branch.
using ShmStep = void (*)(std::string_view step);

// What the decision that is being written does, see shm_table.h.
struct ShmJournal {
  struct Swap {
    std::uint32_t slot;
    std::uint32_t record;  // the block that the slot is to point to
  };
  std::uint32_t count;  // swaps that are to be done; 0: none
  std::array<Swap, limits::kMaxChanges> swaps;
};

struct ShmHeader {
  std::uint64_t magic;
  std::uint64_t layout;  // version, and the sizes that a compiler or libc could change
  std::uint64_t bytes;   // of the whole file
  std::array<char, 40> boot_id;
  std::uint64_t pid_namespace;
  std::array<std::uint64_t, 2> hash_seed;
  pthread_mutex_t mutex;

  // All below belongs to whoever holds the mutex.
  std::uint32_t stale;  // 1: recover before use, as after EOWNERDEAD
  ShmJournal journal;
  std::uint32_t records;
  std::uint32_t recoveries;  // how often a worker died holding the mutex
  std::uint32_t free_blocks;
  std::uint32_t first_free;   // the block that was freed last; 0: none
  std::uint32_t first_fresh;  // the blocks from here on are free too, and hold nothing
  std::uint64_t looks;        // at blocks, by the hand
};

struct alignas(64) ShmBlock {
  std::uint32_t record;      // the first block of the record that it belongs to; 0: it is free
  std::uint32_t next_block;  // of the same record, or the free one after it; 0: none
  // Of a record's first block only:
  std::uint32_t next_record;  // in the same slot; 0: none
  std::uint32_t hash;         // of the key
  std::uint32_t key_size;
  std::uint32_t value_size;
  std::int64_t expires_at;      // in microseconds since 1970
  std::int64_t asked_at;        // last, by a decision
  std::array<char, 216> bytes;  // the key, and then the value, through all blocks
};

static_assert(std::is_trivially_copyable_v<ShmHeader> && std::is_trivially_copyable_v<ShmBlock>);
static_assert(sizeof(ShmBlock) == 256);
static_assert(std::atomic_ref<std::uint32_t>::is_always_lock_free);
static_assert(std::atomic_ref<std::uint64_t>::is_always_lock_free);

class BucketFile {
 public:
  static constexpr std::size_t kMinBytes = std::size_t{64} << 10U;
  static constexpr std::size_t kMaxBytes = std::size_t{16} << 30U;

  struct Options {
    std::size_t bytes;
    Duration open_wait;  // for others that are opening the file
    ShmStep on_step;
    bool create = true;  // false: only a file that counts are in already will do
  };

  // Maps the file, and makes it (mode 0600) if need be. Errors: kInvalidConfig (no file has
  // so many bytes), kNotFound (it would have to be made, and is not to), kSystem (also a file that
  // is another's, or does not suit: says what to do). All begin with the path.
  [[nodiscard]] static Result<BucketFile> open(const std::string& path, const Options& options);

  BucketFile(BucketFile&& other) noexcept;
  BucketFile& operator=(BucketFile&&) = delete;
  BucketFile(const BucketFile&) = delete;
  BucketFile& operator=(const BucketFile&) = delete;
  ~BucketFile();

  // Locks the mutex, waiting at most `wait`: 0, EOWNERDEAD (locked too), or another errno.
  [[nodiscard]] int lock(Duration wait) const;
  void make_consistent() const { pthread_mutex_consistent(&header().mutex); }
  void unlock() const { pthread_mutex_unlock(&header().mutex); }

  [[nodiscard]] ShmHeader& header() const { return *reinterpret_cast<ShmHeader*>(memory_.data()); }
  [[nodiscard]] std::span<std::uint32_t> slots() const { return slots_; }
  [[nodiscard]] std::span<std::uint64_t> marks() const { return marks_; }
  // Block 0 is never used: its index says "none".
  [[nodiscard]] std::span<ShmBlock> blocks() const { return blocks_; }

 private:
  explicit BucketFile(shm::SharedFile file) : file_(std::move(file)) {}
  [[nodiscard]] bool map(std::size_t bytes);
  [[nodiscard]] bool fill_header(std::size_t bytes) const;
  [[nodiscard]] bool adopt(ShmStep on_step) const;

  shm::SharedFile file_;  // holds the shared lock
  std::span<std::byte> memory_;
  std::span<std::uint32_t> slots_;
  std::span<std::uint64_t> marks_;
  std::span<ShmBlock> blocks_;
};

}  // namespace sluice::store
