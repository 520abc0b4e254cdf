// What the config file says, as typed values; load.h reads it.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "fcgi/server.h"
#include "identity/resolver.h"
#include "limiter/limiter.h"
#include "limits/plan.h"
#include "store/redis/connection.h"
#include "telemetry/log.h"

namespace sluice::config {

// The storage URI of counts that each worker keeps alone.
inline constexpr const char* kMemoryUri = "memory://";

struct Sessions {
  std::string secret_file = "sluice.secret";   // relative to the config file
  Duration lifetime = std::chrono::hours(24);  // a minute to 366 days
};

struct Config {
  // storage
  bool memory_store = false;  // memory://: counts live in each worker alone
  store::redis::Connection::Options redis;
  limiter::Limiter::Options limiter;
  // sessions, client_address, fastcgi, log
  Sessions sessions;
  identity::Resolver::Options identity;
  fcgi::Server::Options server;
  telemetry::Level log_level = telemetry::Level::kInfo;
  // defaults, plans, tenants
  std::shared_ptr<const limits::Plans> plans;

  // The storage URI without its password.
  [[nodiscard]] std::string storage_text() const {
    return memory_store ? kMemoryUri : redis.uri.masked();
  }
};

}  // namespace sluice::config
