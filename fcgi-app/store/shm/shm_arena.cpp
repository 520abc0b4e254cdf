#include "store/shm/shm_arena.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "limits/limit.h"

namespace sluice::store {
namespace {

constexpr std::size_t kBlockBytes = sizeof(ShmBlock::bytes);
constexpr std::uint32_t kBits = 64;  // of a word of marks
// The terms of a bucket, and a sliding log of the most units there can be.
constexpr std::size_t kMaxValue = 64 + 8 * static_cast<std::size_t>(limits::kMaxLogQuota);

std::uint64_t bit(ShmArena::Index index) {
  return std::uint64_t{1} << index % kBits;
}

}  // namespace

std::size_t ShmArena::count_free() const {
  std::size_t count = blocks_.size() - header_.first_fresh;
  for (Index index = header_.first_free; index != kNone && count <= size(); ++count) {
    index = blocks_[index].next_block;
  }
  return count;
}

std::size_t ShmArena::blocks_for(std::size_t key_and_value) {
  return std::max<std::size_t>(1, (key_and_value + kBlockBytes - 1) / kBlockBytes);
}

std::size_t ShmArena::blocks_of(Index record) const {
  return blocks_for(std::size_t{blocks_[record].key_size} + blocks_[record].value_size);
}

ShmArena::Index ShmArena::write(std::string_view key, std::string_view value) noexcept {
  const Index record = allocate(kNone);
  ShmBlock* block = &blocks_[record];
  block->key_size = static_cast<std::uint32_t>(key.size());
  block->value_size = static_cast<std::uint32_t>(value.size());
  std::size_t filled = 0;
  for (std::string_view part : {key, value}) {
    while (!part.empty()) {
      if (filled == kBlockBytes) {
        block->next_block = allocate(record);
        block = &blocks_[block->next_block];
        filled = 0;
      }
      const std::size_t here = std::min(part.size(), kBlockBytes - filled);
      std::memcpy(block->bytes.data() + filled, part.data(), here);
      part.remove_prefix(here);
      filled += here;
    }
  }
  return record;
}

void ShmArena::release(Index record) noexcept {
  for (Index index = record; index != kNone;) {
    const Index next = blocks_[index].next_block;
    push_free(index);
    step("block freed");
    index = next;
  }
}

bool ShmArena::has_key(Index record, std::string_view key) const {
  if (blocks_[record].key_size != key.size()) return false;
  for (const ShmBlock* block = &blocks_[record];; block = &blocks_[block->next_block]) {
    const std::string_view piece = key.substr(0, kBlockBytes);
    if (piece != std::string_view(block->bytes.data(), piece.size())) return false;
    key.remove_prefix(piece.size());
    if (key.empty()) return true;
  }
}

std::string ShmArena::value(Index record) const {
  std::string bytes(blocks_[record].value_size, '\0');
  copy_out(record, blocks_[record].key_size, bytes);
  return bytes;
}

std::string_view ShmArena::key(Index record, KeyBuffer& buffer) const {
  const std::size_t size = blocks_[record].key_size;
  copy_out(record, 0, std::span(buffer).first(size));
  return {buffer.data(), size};
}

// Of the key and then the value, the bytes that begin with this one.
void ShmArena::copy_out(Index record, std::size_t from, std::span<char> to) const {
  const ShmBlock* block = &blocks_[record];
  for (; from >= kBlockBytes; from -= kBlockBytes) block = &blocks_[block->next_block];
  for (; !to.empty(); block = &blocks_[block->next_block], from = 0) {
    const std::size_t here = std::min(to.size(), kBlockBytes - from);
    std::memcpy(to.data(), block->bytes.data() + from, here);
    to = to.subspan(here);
  }
}

ShmArena::Index ShmArena::move_hand() noexcept {
  constexpr std::uint64_t kGoldenRatio = 0x9e3779b97f4a7c15;         // 2^64 times it
  const std::uint64_t part = header_.looks++ * kGoldenRatio >> 32U;  // of all, in 2^-32
  const std::uint64_t taken = header_.first_fresh - 1;
  return taken == 0 ? kNone : blocks_[1 + (part * taken >> 32U)].record;
}

void ShmArena::clear_marks() noexcept {
  std::fill(marks_.begin(), marks_.end(), 0);
  marks_.front() = 1;  // block 0, which stands for none
  header_.first_fresh = 1;
}

bool ShmArena::mark(Index record) noexcept {
  const auto is_of_record = [&](Index index) {
    return index < blocks_.size() && !is_marked(index) && blocks_[index].record == record;
  };
  if (!is_of_record(record)) return false;
  const ShmBlock& first = blocks_[record];
  if (first.key_size > kMaxKey || first.value_size > kMaxValue) return false;
  Index index = record;
  for (std::size_t left = blocks_of(record); left > 0; --left) {
    if (!is_of_record(index)) return false;
    index = blocks_[index].next_block;
  }
  if (index != kNone) return false;
  for (index = record; index != kNone; index = blocks_[index].next_block) {
    marks_[index / kBits] |= bit(index);
    header_.first_fresh = std::max(header_.first_fresh, index + 1);
  }
  return true;
}

// From the last to the first: so the first are taken first.
void ShmArena::free_unmarked() noexcept {
  header_.first_free = kNone;
  header_.free_blocks = static_cast<std::uint32_t>(blocks_.size() - header_.first_fresh);
  for (Index index = header_.first_fresh - 1; index != kNone; --index) {
    if (!is_marked(index)) push_free(index);
  }
}

// kNone: it begins a record of its own.
ShmArena::Index ShmArena::allocate(Index record) noexcept {
  const Index index =
      header_.first_free != kNone
          ? std::exchange(header_.first_free, blocks_[header_.first_free].next_block)
          : header_.first_fresh++;
  --header_.free_blocks;
  blocks_[index].record = record == kNone ? index : record;
  blocks_[index].next_block = kNone;
  step("block taken");
  return index;
}

void ShmArena::push_free(Index index) noexcept {
  blocks_[index].record = kNone;
  blocks_[index].next_block = std::exchange(header_.first_free, index);
  ++header_.free_blocks;
}

bool ShmArena::is_marked(Index index) const {
  return (marks_[index / kBits] & bit(index)) != 0;
}

}  // namespace sluice::store
