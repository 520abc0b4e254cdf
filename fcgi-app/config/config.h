// What the config file says, as typed values; load.h reads it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "fcgi/server.h"
#include "http/cost.h"
#include "identity/credentials/session_token.h"
#include "identity/resolver.h"
#include "limiter/limiter.h"
#include "limits/plan.h"
#include "store/assembly.h"
#include "telemetry/log.h"

namespace sluice::config {

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
  store::Assembly::Options store;
  std::string key_prefix = limiter::KeySpace{}.prefix;
  limiter::Newcomers::Options newcomers;
  limiter::Penalty::Options penalty;
  // What the workers of a host share to bound new buckets; of memory:// nothing.
  std::string newcomers_file;
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
};

}  // namespace sluice::config
