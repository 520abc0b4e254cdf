// The section `tenants` as JSON lines, one tenant each:
//
//   {"id":"acme","plan":"chat","limits":{"chat_per_10s":8}}
//
// `plan` and `limits` may be absent, as in a config. A member NAME_per_WINDOW of `limits` is a rate
// of the limit NAME, and holds the quota; several make several rates. Where a tenant says more of a
// limit, the member is its name, and holds an object with the keys that a config has:
//
//   {"id":"umbrella","limits":{"pace":{"rate":"500/second","burst":20000}}}
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/tenants/tenant_text.h"

namespace sluice::config {

struct TenantLines {
  struct Line {
    unsigned number = 0;  // from 1
    TenantText tenant = {};
  };
  struct Complaint {
    unsigned line;
    std::string what;
  };

  std::string file;         // what messages call it
  std::vector<Line> lines;  // those that say an id; without limits, where there is a complaint
  std::vector<Complaint> complaints;  // of what a config cannot say; load() finds the rest
};

[[nodiscard]] TenantLines read_tenant_lines(std::string_view text, std::string file);

// The tenant's line, without its end. REQUIRES: the tenant is one of a config without complaints.
[[nodiscard]] std::string json_text(const TenantText& tenant);

// The section `tenants`, each tenant on the line that it has there.
[[nodiscard]] std::string section_text(const TenantLines& lines);

}  // namespace sluice::config
