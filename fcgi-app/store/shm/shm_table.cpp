#include "store/shm/shm_table.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>

#include "base/sip_hash.h"

namespace sluice::store {
namespace {

// Neither the stores before it nor those after it are moved across it.
void store_in_order(std::uint32_t& word, std::uint32_t value) {
  std::atomic_signal_fence(std::memory_order_seq_cst);
  std::atomic_ref(word).store(value, std::memory_order_release);
  std::atomic_signal_fence(std::memory_order_seq_cst);
}

}  // namespace

ShmTable::ShmTable(const BucketFile& file, ShmStep on_step)
    : header_(file.header()), slots_(file.slots()), arena_(file, on_step), on_step_(on_step) {}

// --- reading

ShmTable::Key ShmTable::key(std::string_view text) const {
  return {text, static_cast<std::uint32_t>(SipHash::of(text, header_.hash_seed) >> 32U)};
}

std::uint32_t ShmTable::slot_of(std::uint32_t hash) const {
  return static_cast<std::uint32_t>(hash * slots_.size() >> 32U);
}

std::optional<std::string> ShmTable::find(const Key& key, TimePoint now) noexcept {
  const Index record = record_of(key);
  if (record == kNone) return std::nullopt;
  arena_[record].asked_at = microseconds_since_epoch(now);
  return arena_.value(record);
}

ShmTable::Index ShmTable::record_of(const Key& key) const {
  for (Index record = slots_[slot_of(key.hash)]; record != kNone;
       record = arena_[record].next_record) {
    if (arena_[record].hash == key.hash && arena_.has_key(record, key.text)) return record;
  }
  return kNone;
}

void ShmTable::for_each(const std::function<void(std::string_view, std::string_view)>& f) const {
  ShmArena::KeyBuffer buffer;
  for (const Index first : slots_) {
    for (Index record = first; record != kNone; record = arena_[record].next_record) {
      f(arena_.key(record, buffer), arena_.value(record));
    }
  }
}

std::size_t ShmTable::size() const {
  return std::atomic_ref(header_.records).load(std::memory_order_relaxed);
}

ShmTable::Usage ShmTable::usage() const {
  Usage usage{.blocks = arena_.size(),
              .free = arena_.free(),
              .unused = arena_.count_free(),
              .records = size(),
              .recoveries = header_.recoveries};
  for (const Index first : slots_) {
    for (Index record = first; record != kNone; record = arena_[record].next_record) {
      usage.reachable += arena_.blocks_of(record);
    }
  }
  return usage;
}

// --- writing

std::optional<std::size_t> ShmTable::replace(std::span<const Write> writes,
                                             TimePoint now) noexcept {
  if (writes.empty()) return 0;
  const std::int64_t at = microseconds_since_epoch(now);
  std::size_t needed = 0;
  for (const Write& write : writes) {
    needed += ShmArena::blocks_for(write.key.text.size() + write.value.size());
  }
  const auto evicted = make_room(needed, replaced_by(writes), at);
  if (!evicted) return std::nullopt;
  stage(writes, at);
  commit(writes.size());
  return evicted;
}

ShmTable::Replaced ShmTable::replaced_by(std::span<const Write> writes) const {
  Replaced replaced;
  for (const Write& write : writes) {
    const Index record = record_of(write.key);
    if (record == kNone) continue;
    replaced.records[replaced.count++] = record;
    replaced.blocks += arena_.blocks_of(record);
  }
  return replaced;
}

// Fills the journal too: nobody looks at it while its count is 0.
void ShmTable::stage(std::span<const Write> writes, std::int64_t at) noexcept {
  auto& swaps = header_.journal.swaps;
  for (std::size_t i = 0; i < writes.size(); ++i) {
    const Key& key = writes[i].key;
    const std::uint32_t slot = slot_of(key.hash);
    const Index record = arena_.write(key.text, writes[i].value);
    arena_[record].hash = key.hash;
    arena_[record].expires_at = microseconds_since_epoch(writes[i].expires_at);
    arena_[record].asked_at = at;
    arena_[record].next_record = slots_[slot];
    for (std::size_t j = 0; j < i; ++j) {  // one of this decision in the same slot comes before
      if (swaps[j].slot == slot) arena_[record].next_record = swaps[j].record;
    }
    swaps[i] = {slot, record};
    step("staged");
  }
}

void ShmTable::commit(std::size_t count) noexcept {
  store_in_order(header_.journal.count, static_cast<std::uint32_t>(count));
  step("published");
  carry_out();
}

// What the journal says, which may be half done.
void ShmTable::carry_out() noexcept {
  ShmJournal& journal = header_.journal;
  const auto swaps = std::span(journal.swaps).first(journal.count);
  for (const ShmJournal::Swap& swap : swaps) {
    store_in_order(slots_[swap.slot], swap.record);
    step("swapped");
  }
  set_records(size() + swaps.size());
  for (const ShmJournal::Swap& swap : swaps) drop_shadowed(swap.record);
  store_in_order(journal.count, 0);
  step("journal cleared");
}

void ShmTable::drop_shadowed(Index record) noexcept {
  ShmArena::KeyBuffer buffer;
  const std::string_view key = arena_.key(record, buffer);
  for (std::uint32_t* link = &arena_[record].next_record; *link != kNone;
       link = &arena_[*link].next_record) {
    if (arena_[*link].hash != arena_[record].hash || !arena_.has_key(*link, key)) continue;
    unlink(*link);
    return;
  }
}

bool ShmTable::erase(const Key& key) noexcept {
  const Index record = record_of(key);
  if (record == kNone) return false;
  drop(record);
  return true;
}

void ShmTable::drop(Index record) noexcept {
  std::uint32_t* link = &slots_[slot_of(arena_[record].hash)];
  while (*link != record) link = &arena_[*link].next_record;
  unlink(*link);
}

// Takes the record that `link` leads to off its list, and frees it.
void ShmTable::unlink(std::uint32_t& link) noexcept {
  const Index record = link;
  store_in_order(link, arena_[record].next_record);
  step("unlinked");
  set_records(size() - 1);
  arena_.release(record);
}

void ShmTable::set_records(std::size_t records) noexcept {
  std::atomic_ref(header_.records)
      .store(static_cast<std::uint32_t>(records), std::memory_order_relaxed);
}

// --- room

// For `needed` blocks more, before those of what is replaced are free. How many live records went
// for it; nullopt where the file is too small.
std::optional<std::size_t> ShmTable::make_room(std::size_t needed, const Replaced& replaced,
                                               std::int64_t at) noexcept {
  const std::size_t growth = needed - std::min(needed, replaced.blocks);
  const std::size_t wanted = needed + (growth > 0 ? kReserve : 0);
  if (wanted + replaced.blocks > arena_.size()) return std::nullopt;
  if (arena_.free() < arena_.size() / 4 * 3) {
    for (std::size_t i = 0; i < growth * kSweep; ++i) static_cast<void>(sweep(replaced, at));
  }
  // This ends: all but what is replaced may go, and the hand comes everywhere.
  std::size_t evicted = 0;
  while (arena_.free() < wanted) evicted += evict(wanted, replaced, at) ? 1 : 0;
  return evicted;
}

// Moves the hand on by one block, and frees the record there if it has expired. Yields it where it
// has not, and is not replaced.
ShmTable::Index ShmTable::sweep(const Replaced& replaced, std::int64_t at) noexcept {
  const Index record = arena_.move_hand();
  const auto kept = std::span(replaced.records).first(replaced.count);
  if (record == kNone || std::find(kept.begin(), kept.end(), record) != kept.end()) return kNone;
  if (arena_[record].expires_at > at) return record;
  drop(record);
  return kNone;
}

// Moves the hand on until so many blocks are free, or it has to evict a live record: then true.
bool ShmTable::evict(std::size_t wanted, const Replaced& replaced, std::int64_t at) noexcept {
  // Since a clock was set back, what was asked for before seems to be of the future: that is old.
  const auto age = [&](Index record) { return std::abs(at - arena_[record].asked_at); };
  Index oldest = kNone;
  for (std::size_t i = 0; i < kReach && arena_.free() < wanted; ++i) {
    const Index record = sweep(replaced, at);
    if (record == kNone || (oldest != kNone && age(record) <= age(oldest))) continue;
    oldest = record;
  }
  if (oldest == kNone || arena_.free() >= wanted) return false;
  drop(oldest);
  return true;
}

// --- recovery

void ShmTable::recover() noexcept {
  ShmJournal& journal = header_.journal;
  if (journal.count > journal.swaps.size()) journal.count = 0;
  carry_out();
  arena_.clear_marks();
  set_records(0);
  for (std::size_t slot = 0; slot < slots_.size(); ++slot) recover_slot(slot);
  arena_.free_unmarked();
}

void ShmTable::recover_slot(std::size_t slot) noexcept {
  // What walks all slots waits for little else than their memory.
  constexpr std::size_t kAhead = 16;
  if (slot + kAhead < slots_.size()) __builtin_prefetch(&arena_[slots_[slot + kAhead]]);
  for (std::uint32_t* link = &slots_[slot]; *link != kNone; link = &arena_[*link].next_record) {
    if (!arena_.mark(*link) || slot_of(arena_[*link].hash) != slot) {
      store_in_order(*link, kNone);  // never, but for memory that somebody else wrote to
      return;
    }
    step("marked");
    set_records(size() + 1);
  }
}

}  // namespace sluice::store
