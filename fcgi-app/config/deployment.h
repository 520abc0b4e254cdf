// What a worker is built on, as the config says it: to change it takes a restart.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "fcgi/server.h"
#include "identity/credentials/session_token.h"
#include "limiter/bucket_key.h"
#include "store/assembly.h"
#include "telemetry/log.h"

namespace sluice::config {

// The secrets that sign sessions: where they are, or the secrets themselves.
struct SessionSecrets {
  std::string file = "sluice.secret";        // relative to the config file, until that is loaded
  std::vector<identity::Secret> given = {};  // by the environment: then no file is looked at

  // The secrets, newest first. load() is for who signs, and makes a file that does not exist.
  // Errors: as of identity::read_secrets() and load_secrets().
  [[nodiscard]] Result<std::vector<identity::Secret>> read() const;
  [[nodiscard]] Result<std::vector<identity::Secret>> load() const;
};

struct Deployment {
  store::Assembly::Options store = {};
  std::string key_prefix = limiter::KeySpace{}.prefix;
  std::string newcomers_file = {};  // what the workers of a host share; "" with memory://
  SessionSecrets secrets = {};
  fcgi::Server::Options server = {};
  telemetry::Level log_level = telemetry::Level::kInfo;
};

// The settings in which the two differ, as in "storage.uri, log.level". Empty if there are none:
// then all that was edited takes effect without a restart.
[[nodiscard]] std::string settings_for_restart(const Deployment& running, const Deployment& edited);

}  // namespace sluice::config
