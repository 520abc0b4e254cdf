// What GET / says, made once for each snapshot of the plans.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "limits/plan.h"

namespace sluice::handlers {

// What a worker says of itself.
struct About {
  std::string version;
  std::string pool;
  std::string storage;  // the store's URI, password masked
  std::int64_t config_generation = 1;
};

class StatusPage {
 public:
  // It names so many tenants at most: anybody may read it.
  explicit StatusPage(std::size_t most_tenants) : most_tenants_(most_tenants) {}

  // The JSON text, for a store that works or does not. Made anew only for other plans than those of
  // the call before. REQUIRES: `about` is always the same.
  [[nodiscard]] const std::string& text(const About& about,
                                        const std::shared_ptr<const limits::Plans>& plans,
                                        bool store_is_up);

 private:
  std::size_t most_tenants_;
  std::shared_ptr<const limits::Plans> plans_;  // that the texts are of
  std::array<std::string, 2> texts_;            // of a store that is down, and up
};

}  // namespace sluice::handlers
