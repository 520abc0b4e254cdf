// The memory that a limiter counts new buckets in, for a test alone.
#pragma once

#include <cstddef>
#include <span>

#include "regions.h"

namespace sluice {

class NewcomerMemory {
 public:
  operator std::span<std::byte>() const {  // NOLINT: that is what it is
    return segment_.memory(kNewcomersRegion);
  }

 private:
  shm::Segment segment_ = *shm::Segment::anonymous({&kNewcomersRegion, 1});
};

}  // namespace sluice
