#include "app.h"

#include <array>
#include <csignal>

#include "limiter/bucket_key.h"
#include "routes.h"
#include "version.h"

namespace sluice {
namespace {

constexpr loop::Milliseconds kDrainDeadline{10'000};
constexpr std::array kStopSignals{SIGTERM, SIGINT, SIGUSR1};

void mask_stop_signals(int how) {
  sigset_t signals;
  ::sigemptyset(&signals);
  for (const int signal : kStopSignals) ::sigaddset(&signals, signal);
  ::sigprocmask(how, &signals, nullptr);
}

// A bucket that is never full, under a name that no configured limit can have.
const limits::Limit kHealth{.name = "@health",
                            .tenant = "",
                            .scope = limits::Scope(),
                            .rate = {limits::kMaxQuota, {1, limits::Unit::kSecond}}};

identity::Resolver::Tenants tenants_of(const limits::Plans& plans) {
  identity::Resolver::Tenants tenants;
  for (const auto& [tenant, limits] : plans.tenants()) tenants.insert(tenant);
  return tenants;
}

Task<http::Response> echo(const http::Request& request) {
  co_return http::Response(200, std::string(request.body));
}

}  // namespace

App::App(const config::Config& config, Options options, std::vector<identity::Secret> secrets,
         UniqueFd listener)
    : log_(STDERR_FILENO, clock_, {config.log_level, options.pool}),
      storage_(config, loop_, clock_, log_),
      limiter_(storage_.buckets(), config.limiter, &log_),
      tokens_(std::move(secrets)),
      identities_(tokens_, storage_.clock(), tenants_of(*config.plans), config.identity),
      resources_{
          storage_.clock(),
          tokens_,
          handlers::StoreProbe(
              storage_.buckets(),
              {limiter::bucket_key(config.limiter.key_prefix, kHealth, {}, ""), &kHealth, 1}),
          [this] { return storage_.trouble(); },
          config.plans,
          handlers::StatusPage(config.status.tenants),
          {kVersion, options.pool, config.storage_text(), options.generation},
          config.sessions.lifetime,
          [this](const limits::LimitSet& limits, const identity::Identity& identity,
                 std::string_view route) { return limiter_.decide(limits, identity, route, 0); },
          [this](const identity::Identity& identity, Duration left) {
            return limiter_.revoke(identity, left);
          },
          route_names()},
      services_{identities_, config.plans, config.costs, limiter_, resources_},
      server_(loop_, log_, config.server, std::move(listener),
              [this, echoing = options.echo](const http::Request& request) {
                return echoing ? echo(request) : serve(request, services_);
              }),
      deadline_(loop_, [this] { quit(); }) {
  for (const int signal : kStopSignals) {
    stop_signals_.push_back(std::make_unique<loop::Signal>(loop_, signal, [this] { stop(); }));
  }
}

// libfcgi, once set up, would take such a signal for itself, and nobody would hear of it.
void App::hold_stop_signals() {
  mask_stop_signals(SIG_BLOCK);
}

void App::run() {
  mask_stop_signals(SIG_UNBLOCK);
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
  server_.drain([this] { limiter_.drain([this] { loop_.stop(); }); });
}

// What waits for Redis is answered by on_store_error, while there is a server to answer through.
void App::quit() {
  storage_.drop("worker stops");
  loop_.stop();
}

}  // namespace sluice
