#include "store/memory/memory_store.h"

#include <algorithm>

#include <fmt/format.h>

namespace sluice::store {

using limits::Decision;

namespace {

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;

}  // namespace

Task<Result<Decision>> MemoryStore::take(limits::Ask ask, std::optional<TimePoint> now) {
  const TimePoint at = now.value_or(clock_.now());
  sweep(at);
  const limits::Lookup stored{[&](std::string_view key, const limits::Limit& /*limit*/) {
                                return find<limits::Bucket>(key);
                              },
                              [&](std::string_view key) { return find<TimePoint>(key); },
                              [&](std::string_view key) { return find_mark(key, at); }};
  limits::Outcome outcome = limits::decide(ask, stored, at);
  outcome.decision.source = limits::Source::kMemory;
  for (limits::Change& change : outcome.changes) {
    entries_.insert_or_assign(std::string(change.key),
                              Entry{std::move(change.bucket), at + change.keep_for});
  }
  for (const limits::Raised& bar : outcome.bars) {
    entries_.insert_or_assign(std::string(bar.key), Entry{bar.until, bar.until});
  }
  if (outcome.mark) {
    entries_.insert_or_assign(std::string(outcome.mark->key),
                              Entry{std::move(outcome.mark->bytes), at + outcome.mark->keep_for});
  }
  co_return std::move(outcome.decision);
}

Task<Result<std::optional<std::string>>> MemoryStore::read(std::string_view key) {
  co_return find_mark(key, clock_.now());
}

// Unlike a bucket or a bar, it does not say itself that it is over.
std::optional<std::string> MemoryStore::find_mark(std::string_view key, TimePoint now) const {
  const auto found = entries_.find(std::string(key));
  if (found == entries_.end() || found->second.expires_at <= now) return std::nullopt;
  return find<std::string>(key);
}

template <class Kept>
std::optional<Kept> MemoryStore::find(std::string_view key) const {
  const auto found = entries_.find(std::string(key));
  const Kept* const kept =
      found == entries_.end() ? nullptr : std::get_if<Kept>(&found->second.kept);
  return kept ? std::optional(*kept) : std::nullopt;
}

Task<Result<std::int64_t>> MemoryStore::reset(std::span<const std::string> keys) {
  std::int64_t count = 0;
  for (const std::string& key : keys) count += static_cast<std::int64_t>(entries_.erase(key));
  co_return count;
}

std::string MemoryStore::dump() const {
  std::vector<std::string> lines;
  for (const auto& [key, entry] : entries_) {
    const std::string bytes =
        std::visit(Overloaded{[](const limits::Bucket& bucket) { return limits::encode(bucket); },
                              [](TimePoint until) { return limits::encode_bar(until); },
                              [](const std::string& mark) { return mark; }},
                   entry.kept);
    std::string line = key + "=";
    for (const char byte : bytes) line += fmt::format("{:02x}", static_cast<unsigned char>(byte));
    lines.push_back(std::move(line));
  }
  std::sort(lines.begin(), lines.end());
  return fmt::format("{}", fmt::join(lines, ","));
}

void MemoryStore::sweep(TimePoint now) {
  if (entries_.size() < sweep_at_) return;
  std::erase_if(entries_, [&](const auto& entry) { return entry.second.expires_at <= now; });
  sweep_at_ = std::max(options_.sweep_at, entries_.size() * 2);
}

}  // namespace sluice::store
