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
       return a.store.kind == b.store.kind && a.store.file == b.store.file &&
              a.store.redis.uri.masked() == b.store.redis.uri.masked() &&
              a.store.redis.uri.password == b.store.redis.uri.password;
     }},
    {"storage.connect_timeout_ms",
     [](const Config& a, const Config& b) {
       return a.store.redis.wire.connect_timeout == b.store.redis.wire.connect_timeout;
     }},
    {"storage.deadline_ms",
     [](const Config& a, const Config& b) {
       return a.store.redis.wire.command_timeout == b.store.redis.wire.command_timeout;
     }},
    {"storage.max_pending",
     [](const Config& a, const Config& b) {
       return a.store.redis.wire.max_pending == b.store.redis.wire.max_pending;
     }},
    {"storage.key_prefix",
     [](const Config& a, const Config& b) { return a.key_prefix == b.key_prefix; }},
    {"storage.shared_memory_mb",
     [](const Config& a, const Config& b) {
       return a.store.shared_memory.bytes == b.store.shared_memory.bytes;
     }},
    {"new_buckets.file",
     [](const Config& a, const Config& b) { return a.newcomers_file == b.newcomers_file; }},
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
  return {.newcomers = config.newcomers,
          .penalty = config.penalty,
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
