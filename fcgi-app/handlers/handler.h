// What every handler is given, and what it may use.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/task.h"
#include "handlers/status_page.h"
#include "handlers/store_probe.h"
#include "http/request.h"
#include "http/response.h"
#include "identity/identity.h"
#include "identity/session_token.h"
#include "limits/plan.h"

namespace sluice::handlers {

// Reads the buckets of `limits` as `identity` has them on `route`, and charges none of them.
// REQUIRES: the arguments outlive the task.
using Peek = std::function<Task<limits::Decision>(
    const limits::LimitSet& limits, const identity::Identity& identity, std::string_view route)>;

// Ends the session of `identity`, which would have lived so long. REQUIRES: as Peek.
using Revoke = std::function<Task<Result<bool>>(const identity::Identity& identity, Duration left)>;

// Why the store does not serve: a line of ASCII; empty where nothing is known.
using Trouble = std::function<std::string()>;

// Owned by App; outlives every request.
struct Resources {
  const Clock& clock;
  const identity::SessionTokens& tokens;
  StoreProbe store;
  Trouble trouble;
  std::shared_ptr<const limits::Plans> plans;
  StatusPage page;
  About about;
  Duration session_lifetime;
  Peek peek;
  Revoke revoke;
  std::vector<std::string_view> limited_routes;  // those that cost something
};

// One allowed request. Lives until its response is ready; a body that comes in pieces outlives it.
struct Call {
  const http::Request& request;
  const identity::Identity& identity;
  const limits::Decision& decision;
  Resources& resources;
};

using Handler = Task<http::Response> (*)(const Call& call);

}  // namespace sluice::handlers
