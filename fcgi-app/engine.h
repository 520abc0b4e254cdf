// What answers requests, for whichever host: it owns all that they are decided by, and knows
// nothing of how they come. A worker is one host, nginx's module is another.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/task.h"
#include "config/load.h"
#include "handlers/handler.h"
#include "http/request.h"
#include "http/response.h"
#include "identity/credentials/session_token.h"
#include "loop/loop.h"
#include "policy/current.h"
#include "shm/segment.h"
#include "store/assembly.h"
#include "telemetry/log.h"
#include "telemetry/observer.h"

namespace sluice {

// The config at `path`, with what the environment replaces of it, and the routes that there are.
// Errors: as config::load().
[[nodiscard]] Result<config::Loaded> load_config(const std::string& path,
                                                 config::LoadOptions options = {});

// The config, where it may take the place of one. Error: kInvalidConfig, with `file:line`, for one
// that would take away API keys that are in use, as their file is gone.
[[nodiscard]] Result<config::Loaded> to_follow(bool has_api_keys, Result<config::Loaded> config);

// A text of several lines, such as a config's mistakes, as the log has it.
[[nodiscard]] std::string in_one_line(std::string text);

class Engine {
 public:
  struct Options {
    std::string pool = "sluice";  // in every line of the log, and at GET /
    std::int64_t generation = 1;
    // The memory that this host's workers share, where it is open already; outlives the engine.
    const shm::Segment* shared = nullptr;
  };

  // `secrets` is not empty; `loop` outlives the engine. It logs to standard error. Throws
  // std::runtime_error, with one line, where it cannot have its store or its memory.
  Engine(loop::Loop& loop, config::Loaded config, const Options& options,
         std::vector<identity::Secret> secrets);

  // By the policy of this moment. REQUIRES: `request` and `told`, if there is one, outlive the
  // task.
  [[nodiscard]] Task<http::Response> answer(const http::Request& request,
                                            telemetry::Told* told = nullptr);

  // Requests that come from now on are decided by this config, if nothing is wrong with it; those
  // that are under way go on with the policy that they have. What takes a restart stays.
  void reload(Result<config::Loaded> config);

  // Calls back once Redis has answered or failed for the first time; elsewhere at once.
  void when_settled(loop::Callback settled) { store_.when_settled(std::move(settled)); }
  // Calls back once no denial is being counted. REQUIRES: no request is under way.
  void drain(loop::Callback drained) { policy_.drain(std::move(drained)); }
  // Everything that waits for Redis fails now, and is answered by on_store_error.
  void drop(const std::string& why) { store_.drop(why); }

  [[nodiscard]] telemetry::Log& log() { return log_; }

 private:
  [[nodiscard]] std::shared_ptr<const policy::Policy> make_policy(policy::Options options,
                                                                  std::int64_t generation);

  std::string pool_;
  config::Deployment deployment_;  // as it was at the start
  SystemClock clock_;
  telemetry::Log log_;
  std::optional<shm::Segment> opened_;
  const shm::Segment& shared_;
  telemetry::Observer observer_;
  store::Assembly store_;
  identity::SessionTokens tokens_;
  handlers::Services services_;
  policy::Current policy_;
};

}  // namespace sluice
