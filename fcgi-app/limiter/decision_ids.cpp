#include "limiter/decision_ids.h"

#include <cstring>
#include <string_view>

namespace sluice::limiter {

DecisionId DecisionIds::next() {
  ++count_;
  std::array<char, sizeof count_> counted{};
  std::memcpy(counted.data(), &count_, sizeof count_);
  DecisionId id{};
  auto* at = id.data();
  for (const SipHash::Seed& seed : seeds_) {
    const std::uint64_t hash = SipHash::of({counted.data(), counted.size()}, seed);
    std::memcpy(at, &hash, sizeof hash);
    at += sizeof hash;
  }
  return id;
}

}  // namespace sluice::limiter
