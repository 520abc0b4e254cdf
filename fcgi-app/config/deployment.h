// What a worker is built on, as the config says it. To change it takes a restart.
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

// The secrets that sign sessions: the file that holds them, or the secrets themselves.
struct SessionSecrets {
  std::string file = "sluice.secret";        // load() puts the folder of the config before it
  std::vector<identity::Secret> given = {};  // those of the environment: they replace the file

  // The secrets, newest first. load() also makes a file that does not exist: for workers, who sign.
  // Errors: those of identity::read_secrets() and identity::load_secrets().
  [[nodiscard]] Result<std::vector<identity::Secret>> read() const;
  [[nodiscard]] Result<std::vector<identity::Secret>> load() const;
};

struct Deployment {
  store::Assembly::Options store = {};
  std::string key_prefix = limiter::KeySpace{}.prefix;
  // What the workers of a host share (policy/regions.h); "" with memory://.
  std::string shared_file = {};
  SessionSecrets secrets = {};
  fcgi::Server::Options server = {};
  telemetry::Level log_level = telemetry::Level::kInfo;
};

// The settings in which the two differ, as in "storage.uri, log.level". If it is empty, all that
// was edited takes effect without a restart.
[[nodiscard]] std::string settings_for_restart(const Deployment& running, const Deployment& edited);

}  // namespace sluice::config
