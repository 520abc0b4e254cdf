// An operator's config, with secrets and API keys, and what a command says of it.
#pragma once

#include <fstream>
#include <string>

#include <sys/stat.h>

#include "commands/operate.h"
#include "serve_fixture.h"
#include "temporary_directory.h"

namespace sluice::commands {

class OperatorFixture : public ServeFixture {
 protected:
  OperatorFixture() {
    config_.deployment.secrets.file = directory_.path() + "/secret";
    std::ofstream(config_.deployment.secrets.file) << std::string(64, '0') << "\n";
    ::chmod(config_.deployment.secrets.file.c_str(), 0600);
    config_.policy.identity.api_keys = access().api_keys;
  }

  std::string done(const Whose& whose, Operation operation) {
    auto buckets = find_buckets(config_, whose, clock_.now());
    if (!buckets) return "error: " + buckets.error().detail;
    const auto text = run_now(operation(*buckets, *limiter_));
    return text ? *text : "error";
  }

  TemporaryDirectory directory_;
  config::Loaded config_;
};

}  // namespace sluice::commands
