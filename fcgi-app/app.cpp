#include "app.h"

#include <array>
#include <csignal>
#include <filesystem>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

#include "answer.h"
#include "limiter/bucket_key.h"
#include "policy/regions.h"
#include "routes.h"
#include "version.h"

namespace sluice {
namespace {

using telemetry::Level;

constexpr loop::Milliseconds kDrainDeadline{10'000};
constexpr std::array kStopSignals{SIGTERM, SIGINT, SIGUSR1};

void mask_signals(int how) {
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGHUP);
  for (const int signal : kStopSignals) ::sigaddset(&signals, signal);
  ::sigprocmask(how, &signals, nullptr);
}

// A bucket that is never full, under a name that no configured limit can have.
const limits::Limit kHealth{.name = "@health",
                            .tenant = "",
                            .scope = limits::Scope(),
                            .rate = {limits::kMaxQuota, {1, limits::Unit::kSecond}}};

// The log has one line for it, whatever is wrong.
std::string in_one_line(std::string text) {
  for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', end)) {
    text.replace(end, 1, "; ");
  }
  return text;
}

// A worker that lacks it cannot start, as main() says.
template <class T>
T value_of(Result<T> made) {
  if (!made) throw std::runtime_error(made.error().detail);
  return std::move(*made);
}

store::Assembly::Options counted(store::Assembly::Options store, telemetry::Counters& counters) {
  store.redis.counters = &counters;
  return store;
}

Task<http::Response> echo(const http::Request& request) {
  co_return http::Response(200, std::string(request.body));
}

}  // namespace

App::App(config::Loaded config, Options options, std::vector<identity::Secret> secrets,
         UniqueFd listener)
    : options_(std::move(options)),
      deployment_(std::move(config.deployment)),
      log_(STDERR_FILENO, clock_, {deployment_.log_level, options_.pool}),
      shared_(value_of(policy::open_regions(deployment_.shared_file, true, log_))),
      observer_(shared_.memory(policy::kCountersRegion), &log_),
      store_(value_of(store::Assembly::make(counted(deployment_.store, observer_.counters()), loop_,
                                            clock_, log_))),
      tokens_(std::move(secrets)),
      services_{store_.clock(), tokens_, observer_,
                handlers::StoreProbe(
                    store_.buckets(),
                    {limiter::bucket_key({.prefix = deployment_.key_prefix}, kHealth, {}, ""),
                     &kHealth, 1}),
                [this] { return store_.trouble(); }},
      policy_(make_policy(std::move(config.policy), options_.generation)),
      server_(loop_, log_, deployment_.server, std::move(listener),
              [this](const http::Request& request) {
                return options_.echo ? echo(request) : answer(request, policy_.get(), services_);
              }),
      deadline_(loop_, [this] { quit(); }) {
  for (const int signal : kStopSignals) {
    signals_.push_back(std::make_unique<loop::Signal>(loop_, signal, [this] { stop(); }));
  }
  signals_.push_back(std::make_unique<loop::Signal>(loop_, SIGHUP, [this] { reload(); }));
}

std::shared_ptr<const policy::Policy> App::make_policy(policy::Options options,
                                                       std::int64_t generation) {
  const policy::Ground ground{.store = store_.buckets(),
                              .clock = store_.clock(),
                              .newcomers = shared_.memory(policy::kNewcomersRegion),
                              .tokens = tokens_,
                              .log = &log_,
                              .key_prefix = deployment_.key_prefix,
                              .about = {kVersion, options_.pool, deployment_.store.text()},
                              .routes = route_names()};
  return std::make_shared<const policy::Policy>(std::move(options), generation, ground);
}

// Requests that are under way go on with the policy that they have.
void App::reload() {
  auto config = options_.read_config();
  const auto refuse = [&](std::string_view reason) {
    log_.answer(Level::kError, "config refused", {{"reason", reason}});
  };
  if (!config) return refuse(in_one_line(config.error().detail));
  const auto old = policy_.get();
  // To a worker that starts, a file that is not there has no keys yet. Here somebody has mistyped
  // its name, or just puts another in its place.
  if (old->has_api_keys() && !std::filesystem::exists(config->api_key_file) &&
      !config->api_key_file.empty()) {
    return refuse(config->api_key_file + ": is gone, with the API keys that are in use");
  }
  policy_.replace(make_policy(std::move(config->policy), old->generation() + 1));
  const auto now = policy_.get();
  log_.answer(Level::kInfo, "config reloaded", {{"generation", fmt::to_string(now->generation())}});
  if (now->moves_keys_of(*old)) {
    log_.warning("counts begin anew",
                 {{"reason",
                   "limits that all callers share were added or removed: their buckets, ended "
                   "sessions and lock-outs have other keys"}});
  }
  const std::string rest = config::settings_for_restart(deployment_, config->deployment);
  if (!rest.empty()) {
    log_.answer(Level::kWarning, "settings take a restart", {{"settings", rest}});
  }
}

// libfcgi, once set up, would take such a signal for itself, and nobody would hear of it; SIGHUP
// would end the worker.
void App::hold_signals() {
  mask_signals(SIG_BLOCK);
}

void App::run() {
  mask_signals(SIG_UNBLOCK);
  // A worker that accepts before it has tried its store would answer its first requests without.
  store_.when_settled([this] { server_.start(); });
  log_.info("worker started", {{"version", kVersion}});
  loop_.run();
  log_.info("worker stopped");
}

void App::stop() {
  if (stopping_) return quit();
  stopping_ = true;
  deadline_.start(kDrainDeadline);
  server_.drain([this] { policy_.drain([this] { loop_.stop(); }); });
}

// What waits for Redis is answered by on_store_error, while there is a server to answer through.
void App::quit() {
  store_.drop("worker stops");
  loop_.stop();
}

}  // namespace sluice
