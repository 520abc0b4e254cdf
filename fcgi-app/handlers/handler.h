// What every handler is given, and what it may use.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/task.h"
#include "handlers/store_probe.h"
#include "http/request.h"
#include "http/response.h"
#include "identity/credentials/session_token.h"
#include "identity/identity.h"
#include "policy/policy.h"
#include "telemetry/observer.h"

namespace sluice::handlers {

// Why the store does not serve: a line of ASCII; empty where nothing is known.
using Trouble = std::function<std::string()>;

// Owned by App; outlives every request.
struct Services {
  const Clock& clock;
  const identity::SessionTokens& tokens;
  telemetry::Observer& observer;
  StoreProbe store;
  Trouble trouble;
};

// One allowed request. It lives until its response is ready. A body that comes in pieces outlives
// it: such a body keeps copies, and of the policy a shared_ptr of its own.
struct Call {
  const http::Request& request;
  const identity::Identity& identity;
  const limits::Decision& decision;
  const std::shared_ptr<const policy::Policy>& policy;
  Services& services;
};

using Handler = Task<http::Response> (*)(const Call& call);

}  // namespace sluice::handlers
