#include "app.h"

#include <array>
#include <csignal>
#include <utility>

#include "version.h"

namespace sluice {
namespace {

constexpr loop::Milliseconds kDrainDeadline{10'000};
constexpr std::array kStopSignals{SIGTERM, SIGINT, SIGUSR1};

void mask_signals(int how) {
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGHUP);
  for (const int signal : kStopSignals) ::sigaddset(&signals, signal);
  ::sigprocmask(how, &signals, nullptr);
}

Task<http::Response> echo(const http::Request& request) {
  co_return http::Response(200, std::string(request.body));
}

}  // namespace

App::App(config::Loaded config, Options options, std::vector<identity::Secret> secrets,
         UniqueFd listener)
    : options_(std::move(options)),
      serving_(config.deployment.server),
      engine_(loop_, std::move(config), options_.engine, std::move(secrets)),
      server_(loop_, engine_.log(), serving_, std::move(listener),
              [this](const http::Request& request) {
                return options_.echo ? echo(request) : engine_.answer(request);
              }),
      deadline_(loop_, [this] { quit(); }) {
  for (const int signal : kStopSignals) {
    signals_.push_back(std::make_unique<loop::Signal>(loop_, signal, [this] { stop(); }));
  }
  signals_.push_back(std::make_unique<loop::Signal>(
      loop_, SIGHUP, [this] { engine_.reload(options_.read_config()); }));
}

// libfcgi, once set up, would take such a signal for itself, and nobody would hear of it; SIGHUP
// would end the worker.
void App::hold_signals() {
  mask_signals(SIG_BLOCK);
}

void App::run() {
  mask_signals(SIG_UNBLOCK);
  // A worker that accepts before it has tried its store would answer its first requests without.
  engine_.when_settled([this] { server_.start(); });
  engine_.log().info("worker started", {{"version", kVersion}});
  loop_.run();
  engine_.log().info("worker stopped");
}

void App::stop() {
  if (stopping_) return quit();
  stopping_ = true;
  deadline_.start(kDrainDeadline);
  server_.drain([this] { engine_.drain([this] { loop_.stop(); }); });
}

// What waits for Redis is answered by on_store_error, while there is a server to answer through.
void App::quit() {
  engine_.drop("worker stops");
  loop_.stop();
}

}  // namespace sluice
