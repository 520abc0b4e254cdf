#include "telemetry/names.h"

namespace sluice::telemetry {

// Off the path of most requests: each name is claimed once on a host.
std::size_t Names::claim(std::size_t at, std::uint64_t hash, Parts parts) {
  const std::span<Word> place = entry(at);
  std::uint64_t owner = 0;
  if (place[0] == 0 && is_full()) return kOther;
  if (!place[0].compare_exchange_strong(owner, hash) && owner != hash) return number(parts);
  std::string name;
  for (const std::string_view part : parts) name += part;
  name.resize(std::min(name.size(), kMaxBytes));
  const std::size_t length = name.size();
  // Whoever else writes it at this moment writes the same.
  name.resize(kMaxBytes);
  for (std::size_t i = 0; i < kMaxBytes; i += sizeof(Word)) {
    std::uint64_t word = 0;
    name.copy(reinterpret_cast<char*>(&word), sizeof word, i);
    place[2 + i / sizeof word].store(word, std::memory_order_relaxed);
  }
  place[1].store(length, std::memory_order_release);
  return at;
}

bool Names::is_full() {
  std::size_t taken = 0;
  for (std::size_t at = 0; at < kPlaces && !is_full_; ++at) taken += entry(at)[0] != 0 ? 1 : 0;
  is_full_ = is_full_ || taken >= kMost;
  return is_full_;
}

std::string Names::text(std::size_t number) const {
  if (number == kOther) return std::string(kOtherName);
  const std::span<Word> place = entry(number);
  const std::size_t length =
      std::min<std::size_t>(place[1].load(std::memory_order_acquire), kMaxBytes);
  std::string name;
  for (std::size_t i = 2; name.size() < length; ++i) {
    const std::uint64_t word = place[i].load(std::memory_order_relaxed);
    name.append(reinterpret_cast<const char*>(&word), sizeof word);
  }
  name.resize(length);
  return name;
}

}  // namespace sluice::telemetry
