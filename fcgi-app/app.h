// The composition root: constructs and owns everything, and decides when it starts and ends.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "config/load.h"
#include "engine.h"
#include "fcgi/server.h"
#include "identity/credentials/session_token.h"
#include "loop/loop.h"

namespace sluice {

class App {
 public:
  struct Options {
    Engine::Options engine = {};
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
  void stop();
  void quit();

  Options options_;
  loop::Loop loop_;
  fcgi::Server::Options serving_;
  Engine engine_;
  fcgi::Server server_;
  loop::Timer deadline_;
  std::vector<std::unique_ptr<loop::Signal>> signals_;
  bool stopping_ = false;
};

}  // namespace sluice
