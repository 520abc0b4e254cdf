#include "telemetry/counters.h"

#include <fstream>
#include <optional>
#include <sstream>
#include <string>

#include <fmt/format.h>
#include <unistd.h>

namespace sluice::telemetry {
namespace {

constexpr unsigned kPidBits = 22;  // PID_MAX_LIMIT of the kernel
constexpr std::uint64_t kPidMask = (std::uint64_t{1} << kPidBits) - 1;

// The word that says that a slot is this process's; 0: there is no such process.
std::uint64_t owner_of(std::uint64_t pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  std::string line;
  if (!std::getline(file, line)) return 0;
  // The name of the program is in parentheses, and may hold any byte. Field 3 is behind it.
  std::istringstream fields(line.substr(std::min(line.rfind(')') + 1, line.size())));
  std::string skipped;
  for (int field = 3; field < 22; ++field) fields >> skipped;
  std::uint64_t began = 0;
  return fields >> began ? began << kPidBits | pid : 0;
}

bool is_alive(std::uint64_t owner) {
  return owner != 0 && owner_of(owner & kPidMask) == owner;
}

}  // namespace

Counters::Counters(std::span<std::byte> memory)
    : words_(reinterpret_cast<Word*>(memory.data()), kBytes / sizeof(Word)),
      routes_(words_.first(kNameWords)),
      limits_(words_.subspan(kNameWords, kNameWords)),
      tenants_(words_.subspan(2 * kNameWords, kNameWords)),
      told_(words_.subspan(3 * kNameWords, Names::kPlaces)),
      slots_(words_.subspan(kHeadWords)),
      me_(owner_of(static_cast<std::uint64_t>(::getpid()))),
      slot_(take_slot()) {
  if (!slot_.empty()) return;
  own_ = std::make_unique<Word[]>(kSlotWords);  // NOLINT(*-avoid-c-arrays)
  slot_ = {own_.get(), kSlotWords};
}

Counters::~Counters() {
  std::uint64_t mine = me_;
  if (has_slot()) slot_[0].compare_exchange_strong(mine, 0);
}

Counters::Slot Counters::take_slot() const {
  for (std::size_t i = 0; i < kSlots; ++i) {
    std::uint64_t owner = slot(i)[0];
    if (is_alive(owner)) continue;
    if (slot(i)[0].compare_exchange_strong(owner, me_)) return slot(i);
  }
  return {};
}

std::uint64_t Counters::sum(Place place) const {
  std::uint64_t sum = own_ ? own_[place.word].load() : 0;
  for (std::size_t i = 0; i < kSlots; ++i) sum += slots_[i * kSlotWords + place.word];
  return sum;
}

std::size_t Counters::workers() const {
  std::size_t count = own_ ? 1 : 0;
  for (std::size_t i = 0; i < kSlots; ++i) count += is_alive(slot(i)[0]) ? 1 : 0;
  return count;
}

}  // namespace sluice::telemetry
