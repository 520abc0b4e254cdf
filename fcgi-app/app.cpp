#include "app.h"

#include <csignal>

#include "limiter/bucket_key.h"
#include "version.h"

namespace sluice {
namespace {

constexpr loop::Milliseconds kDrainDeadline{10'000};

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

std::unique_ptr<store::redis::Connection> connect(const config::Config& config, loop::Loop& loop,
                                                  telemetry::Log& log) {
  if (config.memory_store) return nullptr;
  return std::make_unique<store::redis::Connection>(loop, log, config.redis,
                                                    store::redis::kTakeScript);
}

std::unique_ptr<store::BucketStore> make_store(store::redis::Connection* redis, loop::Loop& loop,
                                               const Clock& clock, telemetry::Log& log) {
  if (redis) return std::make_unique<store::redis::RedisStore>(loop, *redis, log);
  return std::make_unique<store::MemoryStore>(clock, store::MemoryStore::Options{});
}

}  // namespace

App::App(const config::Config& config, Options options, std::vector<identity::Secret> secrets,
         UniqueFd listener)
    : log_(STDERR_FILENO, clock_, {config.log_level, options.pool}),
      redis_(connect(config, loop_, log_)),
      store_(make_store(redis_.get(), loop_, clock_, log_)),
      limiter_(*store_, config.limiter),
      tokens_(std::move(secrets)),
      identities_(tokens_, clock_, tenants_of(*config.plans), config.identity),
      resources_{clock_,
                 tokens_,
                 *store_,
                 config.plans,
                 {limiter::bucket_key(config.limiter.key_prefix, kHealth, {}, ""), &kHealth, 1},
                 {kVersion, options.pool, config.storage_text(), options.generation},
                 config.sessions.lifetime},
      services_{identities_, config.plans, limiter_, resources_},
      server_(loop_, log_, config.server, std::move(listener),
              [this, echoing = options.echo](const http::Request& request) {
                return echoing ? echo(request) : serve(request, services_);
              }),
      deadline_(loop_, [this] { quit(); }) {
  for (const int signal : {SIGTERM, SIGINT, SIGUSR1}) {
    stop_signals_.push_back(std::make_unique<loop::Signal>(loop_, signal, [this] { stop(); }));
  }
}

void App::run() {
  // A worker that accepts before it has tried its store would answer its first requests without.
  if (redis_) {
    redis_->when_settled([this] { server_.start(); });
  } else {
    server_.start();
  }
  log_.info("worker started", {{"version", kVersion}});
  loop_.run();
  log_.info("worker stopped");
}

void App::stop() {
  if (stopping_) return quit();
  stopping_ = true;
  deadline_.start(kDrainDeadline);
  server_.drain([this] { loop_.stop(); });
}

// What waits for Redis is answered by on_store_error, while there is a server to answer through;
// decisions not sent yet end with the process.
void App::quit() {
  if (redis_) redis_->drop("worker stops");
  loop_.stop();
}

}  // namespace sluice
