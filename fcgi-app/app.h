// The composition root: constructs and owns everything, and decides when it starts and ends.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "config/config.h"
#include "fcgi/server.h"
#include "handlers/handler.h"
#include "identity/resolver.h"
#include "identity/session_token.h"
#include "limiter/limiter.h"
#include "loop/loop.h"
#include "serve.h"
#include "storage.h"
#include "telemetry/log.h"

namespace sluice {

class App {
 public:
  struct Options {
    std::string pool = "sluice";
    std::int64_t generation = 1;
    bool echo = false;  // answer every request with 200 and its body: the bench's base line
  };

  // `secrets` is not empty; `listener` is a listening, non-blocking socket.
  App(const config::Config& config, Options options, std::vector<identity::Secret> secrets,
      UniqueFd listener);

  // Serves until SIGTERM, SIGINT or SIGUSR1 (multiwatch's), then drains; a second signal, or ten
  // seconds, end it at once.
  void run();

  // Call before the worker sets anything up: a signal to stop then waits for run().
  static void hold_stop_signals();

 private:
  void stop();
  void quit();

  SystemClock clock_;
  loop::Loop loop_;
  telemetry::Log log_;
  Storage storage_;
  limiter::Limiter limiter_;
  identity::SessionTokens tokens_;
  identity::Resolver identities_;
  handlers::Resources resources_;
  Services services_;
  fcgi::Server server_;
  loop::Timer deadline_;
  std::vector<std::unique_ptr<loop::Signal>> stop_signals_;
  bool stopping_ = false;
};

}  // namespace sluice
