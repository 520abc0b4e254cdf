// What the config file says, as typed values; load.h reads it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "fcgi/server.h"
#include "http/cost.h"
#include "identity/credentials/session_token.h"
#include "identity/resolver.h"
#include "limiter/limiter.h"
#include "limits/plan.h"
#include "redis/link.h"
#include "store/shm/shm_store.h"
#include "telemetry/log.h"

namespace sluice::config {

// Where counts live.
enum class Storage {
  kRedis,
  kSharedMemory,  // shm:///path: a file that the workers of one host share
  kMemory,        // memory://: each worker has its own
};
inline constexpr std::string_view kMemoryUri = "memory://";
inline constexpr std::string_view kSharedMemoryScheme = "shm://";

struct Sessions {
  std::string secret_file = "sluice.secret";   // relative to the config file
  std::vector<identity::Secret> secrets;       // of the environment: then no file is looked at
  Duration lifetime = std::chrono::hours(24);  // a minute to 366 days

  // The secrets, newest first: `secrets`, or what the file holds. load_secrets() is for who signs,
  // and makes a file that does not exist. Errors: as of the functions of these names in identity.
  [[nodiscard]] Result<std::vector<identity::Secret>> read_secrets() const;
  [[nodiscard]] Result<std::vector<identity::Secret>> load_secrets() const;
};

struct ApiKeySettings {
  std::string file;  // relative to the config file; empty: API keys are not looked at
};

struct StatusSettings {
  std::size_t tenants = 100;  // the most that GET / names; 0 to 10,000
};

struct Config {
  // storage
  Storage storage = Storage::kRedis;
  redis::Link::Options redis;
  std::string shared_memory_file;
  store::ShmStore::Options shared_memory;
  // What the workers of a host share besides the counts (regions.h); of memory:// nothing.
  std::string shared_file;
  limiter::Limiter::Options limiter;
  // sessions, api_keys, client_address and access, fastcgi, status, log
  Sessions sessions;
  ApiKeySettings api_keys;  // the keys themselves are of `identity`
  identity::Resolver::Options identity;
  fcgi::Server::Options server;
  StatusSettings status;
  telemetry::Level log_level = telemetry::Level::kInfo;
  // defaults, plans, tenants
  std::shared_ptr<const limits::Plans> plans;
  http::CostRules costs;
  // What may be meant so, and is worth a look: `file:line: warning: text`, a line each. `sluice
  // check` shows them; a worker starts without a word of them.
  std::string warnings;

  // The storage URI without its password.
  [[nodiscard]] std::string storage_text() const;
};

}  // namespace sluice::config
