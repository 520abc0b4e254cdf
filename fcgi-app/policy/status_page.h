// What GET / says: all of it is known when a policy is made, but whether the store works.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "limits/plan.h"

namespace sluice::policy {

// What a worker says of itself.
struct About {
  std::string version;
  std::string pool;
  std::string storage;  // the store's URI, password masked
};

// The JSON text. It names `most_tenants` at most: anybody may read it.
[[nodiscard]] std::string status_page(const About& about, std::int64_t generation,
                                      const limits::Plans& plans, std::size_t most_tenants,
                                      std::string_view store_status);

}  // namespace sluice::policy
