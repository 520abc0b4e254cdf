// What handlers are given, in a test, and the policy that serves it.
#pragma once

#include <memory>
#include <utility>

#include "handlers/handler.h"

namespace sluice {

inline const limits::Limit kTestHealth{
    .name = "@health", .tenant = "", .rate = {1000, {1, limits::Unit::kSecond}}};

// The arguments outlive what is returned.
inline handlers::Services test_services(const Clock& clock, const identity::SessionTokens& tokens,
                                        telemetry::Observer& observer, store::BucketStore& store) {
  return {clock, tokens, observer, handlers::StoreProbe(store, {"health", &kTestHealth, 1}),
          [] { return ""; }};
}

// The seventh, of a build and a deployment that do not change. The arguments but the options
// outlive it.
inline std::shared_ptr<const policy::Policy> test_policy(policy::Options options,
                                                         const handlers::Services& services,
                                                         store::BucketStore& store,
                                                         std::span<std::byte> newcomers) {
  const policy::Ground ground{.store = store,
                              .clock = services.clock,
                              .newcomers = newcomers,
                              .tokens = services.tokens,
                              .log = nullptr,
                              .key_prefix = "sluice",
                              .about = {"1.2.3", "api1", "memory://"},
                              .routes = {"session", "chat"}};
  return std::make_shared<const policy::Policy>(std::move(options), 7, ground);
}

}  // namespace sluice
