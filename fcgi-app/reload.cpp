#include "reload.h"

#include <array>
#include <string_view>

namespace sluice {
namespace {

using config::Config;

struct Setting {
  std::string_view name;
  bool (*is_same)(const Config& a, const Config& b);
};

constexpr std::array<Setting, 13> kSettings{{
    {"storage.uri",
     [](const Config& a, const Config& b) {
       return a.storage == b.storage && a.shared_memory_file == b.shared_memory_file &&
              a.redis.uri.masked() == b.redis.uri.masked() &&
              a.redis.uri.password == b.redis.uri.password;
     }},
    {"storage.connect_timeout_ms",
     [](const Config& a, const Config& b) {
       return a.redis.wire.connect_timeout == b.redis.wire.connect_timeout;
     }},
    {"storage.deadline_ms",
     [](const Config& a, const Config& b) {
       return a.redis.wire.command_timeout == b.redis.wire.command_timeout;
     }},
    {"storage.max_pending",
     [](const Config& a, const Config& b) {
       return a.redis.wire.max_pending == b.redis.wire.max_pending;
     }},
    {"storage.key_prefix",
     [](const Config& a, const Config& b) {
       return a.limiter.keys.prefix == b.limiter.keys.prefix;
     }},
    {"storage.shared_file",
     [](const Config& a, const Config& b) { return a.shared_file == b.shared_file; }},
    {"storage.shared_memory_mb",
     [](const Config& a, const Config& b) {
       return a.shared_memory.bytes == b.shared_memory.bytes;
     }},
    {"sessions.secret_file",
     [](const Config& a, const Config& b) {
       return a.sessions.secret_file == b.sessions.secret_file;
     }},
    {"fastcgi.max_body_bytes",
     [](const Config& a, const Config& b) {
       return a.server.bounds.max_body_bytes == b.server.bounds.max_body_bytes;
     }},
    {"fastcgi.max_params_bytes",
     [](const Config& a, const Config& b) {
       return a.server.bounds.max_params_bytes == b.server.bounds.max_params_bytes;
     }},
    {"fastcgi.max_connections",
     [](const Config& a, const Config& b) {
       return a.server.max_connections == b.server.max_connections;
     }},
    {"fastcgi.stall_timeout_ms",
     [](const Config& a, const Config& b) {
       return a.server.stall_timeout == b.server.stall_timeout;
     }},
    {"log.level", [](const Config& a, const Config& b) { return a.log_level == b.log_level; }},
}};

}  // namespace

policy::Rules rules_of(const Config& config) {
  return {.limiter = config.limiter,
          .identity = config.identity,
          .plans = config.plans,
          .costs = config.costs,
          .session_lifetime = config.sessions.lifetime,
          .most_tenants = config.status.tenants};
}

std::string settings_for_restart(const Config& running, const Config& edited) {
  std::string names;
  for (const Setting& setting : kSettings) {
    if (setting.is_same(running, edited)) continue;
    names.append(names.empty() ? "" : ", ").append(setting.name);
  }
  return names;
}

}  // namespace sluice
