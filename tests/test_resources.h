// What handlers are given, in a test: a build and a deployment that do not change.
#pragma once

#include <memory>
#include <utility>

#include "handlers/handler.h"
#include "limiter/limiter.h"

namespace sluice {

inline const limits::Limit kTestHealth{
    .name = "@health", .tenant = "", .rate = {1000, {1, limits::Unit::kSecond}}};

// The arguments outlive what is returned.
inline handlers::Resources test_resources(const Clock& clock, const identity::SessionTokens& tokens,
                                          store::BucketStore& store,
                                          std::shared_ptr<const limits::Plans> plans,
                                          limiter::Limiter& limiter) {
  return {clock,
          tokens,
          handlers::StoreProbe(store, {"health", &kTestHealth, 1}),
          [] { return ""; },
          std::move(plans),
          handlers::StatusPage(100),
          {"1.2.3", "api1", "memory://", 7},
          std::chrono::hours(24),
          [&limiter](const limits::LimitSet& limits, const identity::Identity& identity,
                     std::string_view route) { return limiter.decide(limits, identity, route, 0); },
          [&limiter](const identity::Identity& identity, Duration left) {
            return limiter.revoke(identity, left);
          },
          {"session", "chat"}};
}

}  // namespace sluice
