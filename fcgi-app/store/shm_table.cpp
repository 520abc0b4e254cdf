#include "store/shm_table.h"

#include <algorithm>
#include <atomic>
#include <limits>

#include "store/sip_hash.h"

namespace sluice::store {
namespace {

// Neither the stores before it nor those after it are moved across it.
void store_in_order(std::uint32_t& word, std::uint32_t value) {
  std::atomic_signal_fence(std::memory_order_seq_cst);
  std::atomic_ref(word).store(value, std::memory_order_release);
  std::atomic_signal_fence(std::memory_order_seq_cst);
}

}  // namespace

ShmTable::ShmTable(const ShmSegment& segment, ShmStep on_step)
    : header_(segment.header()),
      slots_(segment.slots()),
      arena_(segment, on_step),
      on_step_(on_step) {}

// --- reading

ShmTable::Key ShmTable::key(std::string_view text) const {
  const std::uint64_t hash = SipHash::of(text, header_.hash_seed);
  const std::uint64_t slot = (hash >> 32U) * slots_.size() >> 32U;
  return {text, static_cast<std::uint32_t>(hash), static_cast<std::uint32_t>(slot)};
}

std::optional<std::string> ShmTable::find(const Key& key) const {
  const Index record = record_of(key);
  if (record == kNone) return std::nullopt;
  return arena_.content(record).erase(0, key.text.size());
}

ShmTable::Index ShmTable::record_of(const Key& key) const {
  for (Index record = slots_[key.slot]; record != kNone; record = arena_[record].next_record) {
    if (arena_[record].hash == key.hash && arena_.has_key(record, key.text)) return record;
  }
  return kNone;
}

void ShmTable::for_each(const std::function<void(std::string_view, std::string_view)>& f) const {
  for (const Index first : slots_) {
    for (Index record = first; record != kNone; record = arena_[record].next_record) {
      const std::string content = arena_.content(record);
      const std::string_view view = content;
      f(view.substr(0, arena_[record].key_size), view.substr(arena_[record].key_size));
    }
  }
}

std::size_t ShmTable::size() const {
  return std::atomic_ref(header_.records).load(std::memory_order_relaxed);
}

ShmTable::Usage ShmTable::usage() const {
  Usage usage{.blocks = arena_.size(),
              .free = arena_.free(),
              .unused = arena_.count_unused(),
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

bool ShmTable::replace(std::span<const Write> writes, TimePoint now) noexcept {
  if (writes.empty()) return true;
  if (arena_.free() < arena_.size() / 4 * 3) sweep_some(writes.size() * kSweepPerWrite, now);
  if (!has_room(writes) && !(sweep_all(now) && has_room(writes))) return false;
  stage(writes);
  commit(writes.size());
  return true;
}

bool ShmTable::has_room(std::span<const Write> writes) const {
  std::size_t needed = 0;
  std::size_t returned = 0;
  for (const Write& write : writes) {
    needed += ShmArena::blocks_for(write.key.text.size() + write.value.size());
    const Index old = record_of(write.key);
    if (old != kNone) returned += arena_.blocks_of(old);
  }
  return arena_.free() >= needed + (needed > returned ? kReserve : 0);
}

// Fills the journal too: nobody looks at it while its count is 0.
void ShmTable::stage(std::span<const Write> writes) noexcept {
  auto& swaps = header_.journal.swaps;
  for (std::size_t i = 0; i < writes.size(); ++i) {
    const Key& key = writes[i].key;
    const Index record = arena_.write(key.text, writes[i].value);
    const std::int64_t expires_at = microseconds_since_epoch(writes[i].expires_at);
    arena_[record].hash = key.hash;
    arena_[record].expires_at = expires_at;
    arena_[record].next_record = slots_[key.slot];
    for (std::size_t j = 0; j < i; ++j) {  // one of this decision in the same slot comes before
      if (swaps[j].slot == key.slot) arena_[record].next_record = swaps[j].record;
    }
    swaps[i] = {key.slot, record};
    header_.earliest_expiry = std::min(header_.earliest_expiry, expires_at);
    step("staged");
  }
}

void ShmTable::commit(std::size_t count) noexcept {
  ShmJournal& journal = header_.journal;
  store_in_order(journal.count, static_cast<std::uint32_t>(count));
  step("published");
  swap_slots();
  store_in_order(journal.count, 0);
  step("journal cleared");
  set_records(size() + count);
  for (const ShmJournal::Swap& swap : std::span(journal.swaps).first(count)) drop_shadowed(swap);
}

void ShmTable::swap_slots() noexcept {
  const ShmJournal& journal = header_.journal;
  for (const ShmJournal::Swap& swap : std::span(journal.swaps).first(journal.count)) {
    store_in_order(slots_[swap.slot], swap.record);
    step("swapped");
  }
}

void ShmTable::drop_shadowed(const ShmJournal::Swap& swap) noexcept {
  ShmArena::KeyBuffer buffer;
  const ShmBlock& record = arena_[swap.record];
  const std::string_view key = arena_.key(swap.record, buffer);
  for (std::uint32_t* link = &arena_[swap.record].next_record; *link != kNone;
       link = &arena_[*link].next_record) {
    if (arena_[*link].hash != record.hash || !arena_.has_key(*link, key)) continue;
    unlink(*link);
    return;
  }
}

bool ShmTable::erase(const Key& key) noexcept {
  const Index record = record_of(key);
  if (record == kNone) return false;
  std::uint32_t* link = &slots_[key.slot];
  while (*link != record) link = &arena_[*link].next_record;
  unlink(*link);
  return true;
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

// --- expiry

void ShmTable::sweep_some(std::size_t count, TimePoint now) noexcept {
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t slot = header_.sweep_at;
    header_.sweep_at = static_cast<std::uint32_t>((slot + 1) % slots_.size());
    sweep(slot, now);
  }
}

// Whether it was worth it.
bool ShmTable::sweep_all(TimePoint now) noexcept {
  const std::int64_t at = microseconds_since_epoch(now);
  const std::int64_t since = at - header_.last_full_sweep;
  if (at < header_.earliest_expiry) return false;
  if (since >= 0 && since < kFullSweepPause.count()) return false;
  header_.last_full_sweep = at;
  header_.earliest_expiry = std::numeric_limits<std::int64_t>::max();
  for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
    expect(slot);
    sweep(slot, now);
  }
  return true;
}

void ShmTable::sweep(std::size_t slot, TimePoint now) noexcept {
  for (std::uint32_t* link = &slots_[slot]; *link != kNone;) {
    const std::int64_t expires_at = arena_[*link].expires_at;
    if (expires_at <= microseconds_since_epoch(now)) {
      unlink(*link);
      continue;
    }
    header_.earliest_expiry = std::min(header_.earliest_expiry, expires_at);
    link = &arena_[*link].next_record;
  }
}

// --- recovery

void ShmTable::recover() noexcept {
  ShmJournal& journal = header_.journal;
  if (journal.count <= journal.swaps.size()) swap_slots();
  store_in_order(journal.count, 0);
  step("swaps done again");
  arena_.free_all();
  set_records(0);
  for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
    expect(slot);
    recover_slot(slots_[slot]);
  }
  header_.earliest_expiry = std::numeric_limits<std::int64_t>::min();  // a full sweep finds it
}

// Has the memory of a slot a little further on fetched: what walks all slots waits for little else.
void ShmTable::expect(std::size_t slot) const {
  constexpr std::size_t kAhead = 16;
  if (slot + kAhead < slots_.size()) __builtin_prefetch(&arena_[slots_[slot + kAhead]]);
}

void ShmTable::recover_slot(std::uint32_t& slot) noexcept {
  for (std::uint32_t* link = &slot; *link != kNone;) {
    const Index record = *link;
    if (!arena_.mark(record)) {  // never, but for memory that somebody else wrote to
      store_in_order(*link, kNone);
      return;
    }
    step("marked");
    set_records(size() + 1);
    if (is_shadowed(record, slot)) {
      unlink(*link);
    } else {
      link = &arena_[record].next_record;
    }
  }
}

// Whether a record of the same key stands before it, in the list that begins with `first`.
bool ShmTable::is_shadowed(Index record, Index first) const {
  ShmArena::KeyBuffer buffer;
  if (record == first) return false;
  const std::string_view key = arena_.key(record, buffer);
  while (first != record && !arena_.has_key(first, key)) first = arena_[first].next_record;
  return first != record;
}

}  // namespace sluice::store
