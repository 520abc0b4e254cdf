// Memory that workers share, for a test alone.
#pragma once

#include <cstddef>
#include <span>

#include "policy/regions.h"

namespace sluice {

template <const shm::Region& kRegion>
class RegionMemory {
 public:
  operator std::span<std::byte>() const {  // NOLINT: that is what it is
    return segment_.memory(kRegion);
  }

 private:
  shm::Segment segment_ = *shm::Segment::anonymous({&kRegion, 1});
};

using NewcomerMemory = RegionMemory<policy::kNewcomersRegion>;
using CounterMemory = RegionMemory<policy::kCountersRegion>;

}  // namespace sluice
