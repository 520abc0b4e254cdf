// The composition root: constructs and owns everything, and decides when it starts and ends.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "config/load.h"
#include "fcgi/server.h"
#include "handlers/handler.h"
#include "identity/credentials/session_token.h"
#include "loop/loop.h"
#include "policy/current.h"
#include "shm/segment.h"
#include "store/assembly.h"
#include "telemetry/log.h"
#include "telemetry/observer.h"

namespace sluice {

class App {
 public:
  struct Options {
    std::string pool = "sluice";
    std::int64_t generation = 1;
    bool echo = false;  // answer every request with 200 and its body: the bench's base line
    // Reads the config again, as it is now; for SIGHUP.
    std::function<Result<config::Loaded>()> read_config = {};
  };

  // `secrets` is not empty; `listener` is a listening, non-blocking socket. Throws
  // std::runtime_error, with one line, where it cannot have its store or its memory.
  App(config::Loaded config, Options options, std::vector<identity::Secret> secrets,
      UniqueFd listener);

  // Serves until SIGTERM, SIGINT or SIGUSR1 (multiwatch's), then drains; a second signal, or ten
  // seconds, end it at once. At SIGHUP it takes the config as it is now, if nothing is wrong with
  // that; what takes a restart (config::Deployment) stays.
  void run();

  // Call before the worker sets anything up: a signal to stop or to reload then waits for run().
  static void hold_signals();

 private:
  [[nodiscard]] std::shared_ptr<const policy::Policy> make_policy(policy::Options options,
                                                                  std::int64_t generation);
  void reload();
  void stop();
  void quit();

  Options options_;
  config::Deployment deployment_;  // as it was at the start
  SystemClock clock_;
  loop::Loop loop_;
  telemetry::Log log_;
  shm::Segment shared_;
  telemetry::Observer observer_;
  store::Assembly store_;
  identity::SessionTokens tokens_;
  handlers::Services services_;
  policy::Current policy_;
  fcgi::Server server_;
  loop::Timer deadline_;
  std::vector<std::unique_ptr<loop::Signal>> signals_;
  bool stopping_ = false;
};

}  // namespace sluice
