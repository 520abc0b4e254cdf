#include "engine.h"

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "answer.h"
#include "limiter/bucket_key.h"
#include "policy/regions.h"
#include "routes.h"
#include "version.h"

namespace sluice {
namespace {

using telemetry::Level;

// A bucket that is never full, under a name that no configured limit can have.
const limits::Limit kHealth{.name = "@health",
                            .tenant = "",
                            .scope = limits::Scope(),
                            .rate = {limits::kMaxQuota, {1, limits::Unit::kSecond}}};

// A host that lacks it cannot start, as it then says.
template <class T>
T value_of(Result<T> made) {
  if (!made) throw std::runtime_error(made.error().detail);
  return std::move(*made);
}

std::optional<shm::Segment> open_regions(const std::string& file, telemetry::Log& log) {
  return value_of(policy::open_regions(file, true, log));
}

store::Assembly::Options counted(store::Assembly::Options store, telemetry::Counters& counters) {
  store.redis.counters = &counters;
  return store;
}

}  // namespace

Result<config::Loaded> load_config(const std::string& path, config::LoadOptions options) {
  options.routes = route_names();
  if (const char* uri = std::getenv("RATE_LIMIT_STORAGE_URI"); uri && *uri) {
    options.storage_uri = uri;
  }
  if (const char* secret = std::getenv("SLUICE_SECRET_FILE"); secret && *secret) {
    options.secret_file = secret;
  }
  if (const char* secrets = std::getenv("SLUICE_SECRETS"); secrets && *secrets) {
    options.secrets = secrets;
  }
  return config::load(path, options);
}

// To who starts, a file that is not there has no keys yet. Here somebody has mistyped its name, or
// just puts another in its place.
Result<config::Loaded> to_follow(bool has_api_keys, Result<config::Loaded> config) {
  if (!config || !has_api_keys || config->api_key_file.empty()) return config;
  if (std::filesystem::exists(config->api_key_file)) return config;
  return fail(ErrorCode::kInvalidConfig,
              fmt::format("{}: {} is gone, with the API keys that are in use", config->api_keys_at,
                          config->api_key_file));
}

std::string in_one_line(std::string text) {
  for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', end)) {
    text.replace(end, 1, "; ");
  }
  return text;
}

Engine::Engine(loop::Loop& loop, config::Loaded config, const Options& options,
               std::vector<identity::Secret> secrets)
    : pool_(options.pool),
      deployment_(std::move(config.deployment)),
      log_(STDERR_FILENO, clock_, {deployment_.log_level, pool_}),
      opened_(options.shared ? std::nullopt : open_regions(deployment_.shared_file, log_)),
      shared_(options.shared ? *options.shared : *opened_),
      observer_(shared_.memory(policy::kCountersRegion), &log_),
      store_(value_of(store::Assembly::make(counted(deployment_.store, observer_.counters()), loop,
                                            clock_, log_))),
      tokens_(std::move(secrets)),
      services_{store_.clock(), tokens_, observer_,
                handlers::StoreProbe(
                    store_.buckets(),
                    {limiter::bucket_key({.prefix = deployment_.key_prefix}, kHealth, {}, ""),
                     &kHealth, 1}),
                [this] { return store_.trouble(); }},
      policy_(make_policy(std::move(config.policy), options.generation)) {}

std::shared_ptr<const policy::Policy> Engine::make_policy(policy::Options options,
                                                          std::int64_t generation) {
  const policy::Ground ground{.store = store_.buckets(),
                              .clock = store_.clock(),
                              .newcomers = shared_.memory(policy::kNewcomersRegion),
                              .tokens = tokens_,
                              .log = &log_,
                              .key_prefix = deployment_.key_prefix,
                              .about = {kVersion, pool_, deployment_.store.text()},
                              .routes = route_names()};
  return std::make_shared<const policy::Policy>(std::move(options), generation, ground);
}

Task<http::Response> Engine::answer(const http::Request& request, telemetry::Told* told) {
  return sluice::answer(request, policy_.get(), services_, told);
}

void Engine::reload(Result<config::Loaded> config) {
  const auto old = policy_.get();
  config = to_follow(old->has_api_keys(), std::move(config));
  if (!config) {
    const std::string reason = in_one_line(config.error().detail);
    return log_.answer(Level::kError, "config refused", {{"reason", reason}});
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

}  // namespace sluice
