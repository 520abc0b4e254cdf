// The blocks of a mapped file, and the records in them: a key and a value, in one block or
// several, linked by next_block. Which records count, the table says (shm_table.h).
//
// A block that was freed goes to the front of a list, and is taken again from there; blocks that
// were never taken come after those. So either is a step or two, however large the file. The
// list need not survive a crash: recovery makes it anew. All of it REQUIRES the file's mutex.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>

#include "store/shm/bucket_file.h"

namespace sluice::store {

class ShmArena {
 public:
  using Index = std::uint32_t;  // of a block, or of the record that begins there
  static constexpr Index kNone = 0;
  // A prefix, a tenant and a name of 64 bytes, and the facts of a scope: some 620 bytes.
  static constexpr std::size_t kMaxKey = 1024;

  // `file` outlives the arena.
  ShmArena(const BucketFile& file, ShmStep on_step)
      : header_(file.header()), marks_(file.marks()), blocks_(file.blocks()), on_step_(on_step) {}

  [[nodiscard]] ShmBlock& operator[](Index index) const { return blocks_[index]; }

  // Blocks that can be used, and those of them that are free, by the figure and by counting them.
  [[nodiscard]] std::size_t size() const { return blocks_.size() - 1; }
  [[nodiscard]] std::size_t free() const { return header_.free_blocks; }
  [[nodiscard]] std::size_t count_free() const;

  [[nodiscard]] static std::size_t blocks_for(std::size_t key_and_value);
  [[nodiscard]] std::size_t blocks_of(Index record) const;

  // A record that nothing leads to yet. REQUIRES: as many blocks are free.
  [[nodiscard]] Index write(std::string_view key, std::string_view value) noexcept;
  void release(Index record) noexcept;

  [[nodiscard]] bool has_key(Index record, std::string_view key) const;
  [[nodiscard]] std::string value(Index record) const;
  using KeyBuffer = std::array<char, kMaxKey>;
  [[nodiscard]] std::string_view key(Index record, KeyBuffer& buffer) const;

  // Moves the hand to another block: the record that has it, or kNone where it is free. A step is
  // the golden ratio of all blocks that were ever taken. So looks that follow each other are at
  // different parts of them, each is looked at once in two rounds at least, and none twice within
  // two fifths of a round.
  [[nodiscard]] Index move_hand() noexcept;

  // Recovery: no block is marked, and then those of each record; all others are free. mark()
  // yields false for what cannot be a record, or shares a block with another.
  void clear_marks() noexcept;
  [[nodiscard]] bool mark(Index record) noexcept;
  void free_unmarked() noexcept;

 private:
  [[nodiscard]] Index allocate(Index record) noexcept;
  void push_free(Index index) noexcept;
  [[nodiscard]] bool is_marked(Index index) const;
  void copy_out(Index record, std::size_t from, std::span<char> to) const;
  void step(std::string_view name) const {
    if (on_step_) on_step_(name);
  }

  ShmHeader& header_;
  std::span<std::uint64_t> marks_;  // of recovery alone
  std::span<ShmBlock> blocks_;
  ShmStep on_step_;
};

}  // namespace sluice::store
