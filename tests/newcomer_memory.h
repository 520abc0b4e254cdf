// The memory that a limiter counts new buckets in, for a test alone.
#pragma once

#include <cstddef>
#include <span>

#include "limiter/newcomers.h"
#include "shm/region.h"

namespace sluice {

class NewcomerMemory {
 public:
  operator std::span<std::byte>() const { return region_.memory(); }  // NOLINT: that is what it is

 private:
  shm::Region region_ = *shm::Region::anonymous(limiter::Newcomers::kBytes);
};

}  // namespace sluice
