// Everything that a request is decided by: one snapshot of what the config says. It is never
// changed, but replaced as a whole; a request keeps the one that it began with.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "http/cors.h"
#include "http/cost.h"
#include "http/request.h"
#include "identity/credentials/session_token.h"
#include "identity/resolver.h"
#include "limiter/limiter.h"
#include "limits/charge.h"
#include "limits/plan.h"
#include "policy/options.h"
#include "policy/route_table.h"
#include "policy/status_page.h"
#include "store/store.h"
#include "telemetry/log.h"

namespace sluice::policy {

// What all policies of a worker stand on, and what outlives them.
struct Ground {
  store::BucketStore& store;
  const Clock& clock;  // the store's
  std::span<std::byte> newcomers;
  const identity::SessionTokens& tokens;
  telemetry::Log* log;     // or nullptr
  std::string key_prefix;  // what all keys begin with, see limiter/bucket_key.h
  About about;
  std::vector<std::string_view> routes = {};  // of our own API: those that cost something
};

// What a limiter takes of `options`, where keys begin so.
[[nodiscard]] limiter::Limiter::Options limiter_options(const Options& options,
                                                        std::string key_prefix);

class Policy {
 public:
  // `generation` is higher than that of each policy that this worker had before. Other workers,
  // also one that this one replaces, may have another policy with the same number.
  Policy(Options options, std::int64_t generation, const Ground& ground);

  [[nodiscard]] std::int64_t generation() const { return generation_; }
  [[nodiscard]] const limits::Plans& plans() const { return *plans_; }
  [[nodiscard]] const http::CostRules& costs() const { return costs_; }
  [[nodiscard]] const RouteTable& routes() const { return routes_; }
  // The names of all routes that cost something: of our own API, and those of `routes()`.
  [[nodiscard]] std::span<const std::string_view> limited_routes() const { return limited_; }
  [[nodiscard]] Unmatched unmatched() const { return unmatched_; }
  // What nginx has decided of this request already; Source::kNobody: nothing that would do.
  [[nodiscard]] limits::Decision handed_over(const http::Request& request, std::string_view route,
                                             const identity::Identity& identity,
                                             const limits::LimitSet& limits) const;
  [[nodiscard]] const identity::Resolver& identities() const { return identities_; }
  [[nodiscard]] bool has_api_keys() const { return has_api_keys_; }
  // Whether somebody who is counted under both policies has other keys under this one: the hash
  // tags changed, see limiter/bucket_key.h.
  [[nodiscard]] bool moves_keys_of(const Policy& old) const;
  [[nodiscard]] const Metrics& metrics() const { return metrics_; }
  [[nodiscard]] const Settle& settle() const { return settle_; }
  [[nodiscard]] const http::Cors& cors() const { return cors_; }
  [[nodiscard]] const telemetry::DenialLog::Options& denial_log() const { return denial_log_; }
  [[nodiscard]] Duration session_lifetime() const { return session_lifetime_; }
  // It counts denials and newcomers, which are no part of the policy.
  [[nodiscard]] limiter::Limiter& limiter() const { return *limiter_; }
  // What GET / says, of a store that works or does not.
  [[nodiscard]] const std::string& page(bool store_is_up) const {
    return pages_.at(store_is_up ? 1 : 0);
  }

 private:
  std::int64_t generation_;
  std::shared_ptr<const limits::Plans> plans_;
  http::CostRules costs_;
  RouteTable routes_;
  std::vector<std::string_view> limited_;
  Unmatched unmatched_;
  HandedOver handed_over_;
  Metrics metrics_;
  Settle settle_;
  http::Cors cors_;
  telemetry::DenialLog::Options denial_log_;
  Duration session_lifetime_;
  bool has_api_keys_;
  identity::Resolver identities_;
  std::unique_ptr<limiter::Limiter> limiter_;
  std::array<std::string, 2> pages_;  // of a store that is down, and up
};

}  // namespace sluice::policy
