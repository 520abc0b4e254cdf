#include "app.h"

#include <array>
#include <csignal>
#include <utility>

#include <fmt/format.h>

#include "limiter/bucket_key.h"
#include "reload.h"
#include "routes.h"
#include "serve.h"
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

Task<http::Response> echo(const http::Request& request) {
  co_return http::Response(200, std::string(request.body));
}

}  // namespace

App::App(const config::Config& config, Options options, std::vector<identity::Secret> secrets,
         UniqueFd listener)
    : options_(std::move(options)),
      config_(config),
      log_(STDERR_FILENO, clock_, {config.log_level, options_.pool}),
      storage_(config, loop_, clock_, log_),
      tokens_(std::move(secrets)),
      observer_(storage_.counters(), &log_),
      services_{storage_.clock(),
                tokens_,
                observer_,
                handlers::StoreProbe(
                    storage_.buckets(),
                    {limiter::bucket_key(config.limiter.keys, kHealth, {}, ""), &kHealth, 1}),
                [this] { return storage_.trouble(); },
                route_names()},
      policy_(make_policy(config, options_.generation)),
      server_(loop_, log_, config.server, std::move(listener),
              [this](const http::Request& request) {
                return options_.echo ? echo(request) : serve(request, policy_, services_);
              }),
      deadline_(loop_, [this] { quit(); }) {
  for (const int signal : kStopSignals) {
    signals_.push_back(std::make_unique<loop::Signal>(loop_, signal, [this] { stop(); }));
  }
  signals_.push_back(std::make_unique<loop::Signal>(loop_, SIGHUP, [this] { reload(); }));
}

std::shared_ptr<const policy::Policy> App::make_policy(const config::Config& config,
                                                       std::int64_t generation) {
  policy::Rules rules = rules_of(config);
  rules.limiter.keys.prefix = config_.limiter.keys.prefix;  // as the rights of Redis's user have it
  const policy::Ground ground{storage_.buckets(),
                              storage_.clock(),
                              storage_.newcomers(),
                              tokens_,
                              &log_,
                              {kVersion, options_.pool, config_.storage_text()}};
  return std::make_shared<const policy::Policy>(std::move(rules), generation, ground);
}

// Requests that are under way go on with the policy that they have.
void App::reload() {
  const auto config = options_.read_config();
  if (!config) {
    log_.error("config refused", {{"reason", in_one_line(config.error().detail)}});
    return;
  }
  policy_ = make_policy(*config, policy_->generation() + 1);
  log_.info("config reloaded", {{"generation", fmt::to_string(policy_->generation())}});
  const std::string rest = settings_for_restart(config_, *config);
  if (!rest.empty()) log_.warning("settings take a restart", {{"settings", rest}});
}

// libfcgi, once set up, would take such a signal for itself, and nobody would hear of it; SIGHUP
// would end the worker.
void App::hold_signals() {
  mask_signals(SIG_BLOCK);
}

void App::run() {
  mask_signals(SIG_UNBLOCK);
  // A worker that accepts before it has tried its store would answer its first requests without.
  storage_.when_settled([this] { server_.start(); });
  log_.info("worker started", {{"version", kVersion}});
  loop_.run();
  log_.info("worker stopped");
}

void App::stop() {
  if (stopping_) return quit();
  stopping_ = true;
  deadline_.start(kDrainDeadline);
  server_.drain([this] { policy_->limiter().drain([this] { loop_.stop(); }); });
}

// What waits for Redis is answered by on_store_error, while there is a server to answer through.
void App::quit() {
  storage_.drop("worker stops");
  loop_.stop();
}

}  // namespace sluice
