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

}  // namespace

Counters::Counters(std::span<std::byte> memory)
    : slots_(reinterpret_cast<Slot*>(memory.data()), kSlots),
      me_(owner_of(static_cast<std::uint64_t>(::getpid()))),
      slot_(take_slot()) {
  if (slot_) return;
  own_ = std::make_unique<Slot>();
  slot_ = own_.get();
}

Counters::~Counters() {
  std::uint64_t mine = me_;
  if (has_slot()) slot_->owner.compare_exchange_strong(mine, 0);
}

Counters::Slot* Counters::take_slot() const {
  for (Slot& slot : slots_) {
    std::uint64_t owner = slot.owner;
    if (owner != 0 && owner_of(owner & kPidMask) == owner) continue;
    if (slot.owner.compare_exchange_strong(owner, me_)) return &slot;
  }
  return nullptr;
}

template <class... Which>
std::uint64_t Counters::sum_of(Which... which) const {
  std::uint64_t sum = own_ ? word(*own_, which...).load() : 0;
  for (Slot& slot : slots_) sum += word(slot, which...);
  return sum;
}

std::uint64_t Counters::sum(std::size_t route, Outcome outcome) const {
  return sum_of(route, outcome);
}

std::uint64_t Counters::sum(Total total) const {
  return sum_of(total);
}

}  // namespace sluice::telemetry
