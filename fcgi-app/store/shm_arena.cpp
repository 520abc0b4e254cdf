#include "store/shm_arena.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "limits/limit.h"

namespace sluice::store {
namespace {

constexpr std::size_t kBlockBytes = sizeof(ShmBlock::bytes);
constexpr std::uint32_t kBits = 64;  // of a word of `used`
// The terms of a bucket, and a sliding log of the most units there can be.
constexpr std::size_t kMaxValue = 64 + 8 * static_cast<std::size_t>(limits::kMaxLogQuota);

std::uint64_t bit(ShmArena::Index index) {
  return std::uint64_t{1} << index % kBits;
}

}  // namespace

std::size_t ShmArena::count_unused() const {
  std::size_t used = 0;
  for (const std::uint64_t word : used_) used += static_cast<std::size_t>(std::popcount(word));
  return used_.size() * kBits - used;
}

std::size_t ShmArena::blocks_for(std::size_t key_and_value) {
  return std::max<std::size_t>(1, (key_and_value + kBlockBytes - 1) / kBlockBytes);
}

std::size_t ShmArena::blocks_of(Index record) const {
  return blocks_for(std::size_t{blocks_[record].key_size} + blocks_[record].value_size);
}

ShmArena::Index ShmArena::write(std::string_view key, std::string_view value) noexcept {
  const Index record = allocate();
  ShmBlock* block = &blocks_[record];
  block->key_size = static_cast<std::uint32_t>(key.size());
  block->value_size = static_cast<std::uint32_t>(value.size());
  std::size_t filled = 0;
  for (std::string_view part : {key, value}) {
    while (!part.empty()) {
      if (filled == kBlockBytes) {
        block->next_block = allocate();
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
  for (Index index = record; index != kNone; index = blocks_[index].next_block) {
    used_[index / kBits] &= ~bit(index);
    header_.first_free = std::min(header_.first_free, index / kBits);
    ++header_.free_blocks;
    step("block freed");
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

std::string ShmArena::content(Index record) const {
  std::string bytes(std::size_t{blocks_[record].key_size} + blocks_[record].value_size, '\0');
  copy_out(record, bytes);
  return bytes;
}

std::string_view ShmArena::key(Index record, KeyBuffer& buffer) const {
  const std::size_t size = blocks_[record].key_size;
  copy_out(record, std::span(buffer).first(size));
  return {buffer.data(), size};
}

void ShmArena::copy_out(Index record, std::span<char> to) const {
  for (const ShmBlock* block = &blocks_[record]; !to.empty(); block = &blocks_[block->next_block]) {
    const std::size_t here = std::min(to.size(), kBlockBytes);
    std::memcpy(to.data(), block->bytes.data(), here);
    to = to.subspan(here);
  }
}

void ShmArena::free_all() noexcept {
  std::fill(used_.begin(), used_.end(), 0);
  // Block 0, which stands for none, and the bits of no block.
  used_.front() = 1;
  if (const std::size_t last = blocks_.size() % kBits; last != 0) {
    used_.back() |= ~std::uint64_t{0} << last;
  }
  header_.first_free = 0;
  header_.free_blocks = static_cast<std::uint32_t>(size());
}

bool ShmArena::mark(Index record) noexcept {
  const auto usable = [&](Index index) { return index < blocks_.size() && !is_used(index); };
  if (!usable(record)) return false;
  const ShmBlock& first = blocks_[record];
  if (first.key_size > kMaxKey || first.value_size > kMaxValue) return false;
  Index index = record;
  for (std::size_t left = blocks_of(record); left > 0; --left) {
    if (!usable(index)) return false;
    set_used(index);
    index = blocks_[index].next_block;
  }
  return index == kNone;
}

// Lowest first: what was freed last is likely to be in the cache.
ShmArena::Index ShmArena::allocate() noexcept {
  while (used_[header_.first_free] == ~std::uint64_t{0}) ++header_.first_free;
  const std::uint32_t word = header_.first_free;
  const Index index = word * kBits + static_cast<Index>(std::countr_one(used_[word]));
  set_used(index);
  blocks_[index].next_block = kNone;
  step("block taken");
  return index;
}

void ShmArena::set_used(Index index) noexcept {
  used_[index / kBits] |= bit(index);
  --header_.free_blocks;
}

bool ShmArena::is_used(Index index) const {
  return (used_[index / kBits] & bit(index)) != 0;
}

}  // namespace sluice::store
