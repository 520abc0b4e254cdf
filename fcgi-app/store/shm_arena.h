// The blocks of a mapped segment, and the records in them: a key and a value, in one block or
// several, linked by next_block. Which records count, the table says (shm_table.h).
//
// The bits of `used` and the figures beside them say which blocks are free. They need not survive
// a crash: recovery finds them anew. All of it REQUIRES the segment's mutex.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>

#include "store/shm_segment.h"

namespace sluice::store {

class ShmArena {
 public:
  using Index = std::uint32_t;  // of a block, or of the record that begins there
  static constexpr Index kNone = 0;
  // A prefix, a tenant and a name of 64 bytes, and the facts of a scope: some 620 bytes.
  static constexpr std::size_t kMaxKey = 1024;

  // `segment` outlives the arena.
  ShmArena(const ShmSegment& segment, ShmStep on_step)
      : header_(segment.header()),
        used_(segment.used()),
        blocks_(segment.blocks()),
        on_step_(on_step) {}

  [[nodiscard]] ShmBlock& operator[](Index index) const { return blocks_[index]; }

  // Blocks that can be used, and those of them that are not, by the figure and by the bits.
  [[nodiscard]] std::size_t size() const { return blocks_.size() - 1; }
  [[nodiscard]] std::size_t free() const { return header_.free_blocks; }
  [[nodiscard]] std::size_t count_unused() const;

  [[nodiscard]] static std::size_t blocks_for(std::size_t key_and_value);
  [[nodiscard]] std::size_t blocks_of(Index record) const;

  // A record that nothing leads to yet. REQUIRES: as many blocks are free.
  [[nodiscard]] Index write(std::string_view key, std::string_view value) noexcept;
  void release(Index record) noexcept;

  [[nodiscard]] bool has_key(Index record, std::string_view key) const;
  // The key, and then the value.
  [[nodiscard]] std::string content(Index record) const;
  using KeyBuffer = std::array<char, kMaxKey>;
  [[nodiscard]] std::string_view key(Index record, KeyBuffer& buffer) const;

  // Recovery: takes all blocks for free, and then those of each record for used. mark() yields
  // false for what cannot be a record, or shares a block with another.
  void free_all() noexcept;
  [[nodiscard]] bool mark(Index record) noexcept;

 private:
  [[nodiscard]] Index allocate() noexcept;
  void set_used(Index index) noexcept;
  [[nodiscard]] bool is_used(Index index) const;
  void copy_out(Index record, std::span<char> to) const;
  void step(std::string_view name) const {
    if (on_step_) on_step_(name);
  }

  ShmHeader& header_;
  std::span<std::uint64_t> used_;
  std::span<ShmBlock> blocks_;
  ShmStep on_step_;
};

}  // namespace sluice::store
