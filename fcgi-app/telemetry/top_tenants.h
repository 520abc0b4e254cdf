// Which tenants a page of metrics names: those with the most denials. All others are told of as
// one.
//
// A counter must not fall. So what a page has told of a tenant among the others stays there when
// the tenant comes to be named, and what it has goes there when it ceases to be named. Who is named
// anew begins at 0, as a counter of a process that was restarted does.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "telemetry/counters.h"

namespace sluice::telemetry {

struct TopTenants {
  std::vector<std::pair<std::string, std::uint64_t>> named;  // in the order of their names
  std::uint64_t others = 0;
};

// Names `most` at most. Who is named is in the memory that workers share, so that all tell the
// same. It is a word for each tenant: 0, where no page has told of it; 1, where the last has told
// of it among the others; else it is named, and the word is 2 and what stays with the others.
[[nodiscard]] TopTenants top_tenants(Counters& counters, std::size_t most);

}  // namespace sluice::telemetry
