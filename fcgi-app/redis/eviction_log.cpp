#include "redis/eviction_log.h"

#include <algorithm>
#include <utility>

namespace sluice::redis {
namespace {

// What stands behind "name:" at the start of a line; empty if nothing does.
std::string_view value_of(std::string_view info, std::string_view name) {
  while (!info.empty()) {
    const std::string_view line = info.substr(0, info.find('\n'));
    info.remove_prefix(std::min(line.size() + 1, info.size()));
    if (line.starts_with(name) && line.substr(name.size()).starts_with(':')) {
      const std::string_view value = line.substr(name.size() + 1);
      return value.substr(0, value.find('\r'));
    }
  }
  return {};
}

}  // namespace

std::string eviction_policy(std::string_view info) {
  const std::string_view memory = value_of(info, "maxmemory");
  const std::string_view policy = value_of(info, "maxmemory_policy");
  const bool is_bounded = !memory.empty() && memory != "0";
  return is_bounded && policy != "noeviction" ? std::string(policy) : "";
}

void EvictionLog::learn(std::string_view info) {
  std::string policy = eviction_policy(info);
  if (policy == told_) return;
  told_ = std::move(policy);
  if (told_.empty()) return;
  log_.warning("store may throw counts out",
               {{"maxmemory_policy", told_}, {"remedy", "CONFIG SET maxmemory-policy noeviction"}});
}

}  // namespace sluice::redis
