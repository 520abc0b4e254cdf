// Warns of a Redis that throws counts out when its memory is full: who is thrown out has his whole
// quota again, and nobody is told.
#pragma once

#include <string>
#include <string_view>

#include "telemetry/log.h"

namespace sluice::redis {

// The policy by which keys go when memory is full, of a reply to INFO memory; empty if none do.
[[nodiscard]] std::string eviction_policy(std::string_view info);

class EvictionLog {
 public:
  explicit EvictionLog(telemetry::Log& log) : log_(log) {}

  // Warns where the policy is one, and not what it was the last time.
  void learn(std::string_view info);

 private:
  telemetry::Log& log_;
  std::string told_;
};

}  // namespace sluice::redis
