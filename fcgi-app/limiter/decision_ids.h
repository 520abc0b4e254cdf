// Makes ids of decisions: for each request, so that none takes a system call.
//
// An id is two hashes of one counter, each with a random seed that nobody else has. SipHash is a
// pseudo-random function: who does not have the seeds can neither tell an id from random bits nor
// compute another. Two of n ids are the same with a probability of n * n / 2^129.
#pragma once

#include <array>
#include <cstdint>

#include "base/ids.h"
#include "base/sip_hash.h"

namespace sluice::limiter {

class DecisionIds {
 public:
  [[nodiscard]] DecisionId next();

 private:
  std::array<SipHash::Seed, 2> seeds_{SipHash::random_seed(), SipHash::random_seed()};
  std::uint64_t count_ = 0;
};

}  // namespace sluice::limiter
