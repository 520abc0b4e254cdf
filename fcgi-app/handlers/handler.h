// What every handler is given, and what it may use.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/task.h"
#include "http/request.h"
#include "http/response.h"
#include "identity/identity.h"
#include "identity/session_token.h"
#include "limits/plan.h"
#include "store/store.h"

namespace sluice::handlers {

// What a worker says of itself at GET /.
struct About {
  std::string version;
  std::string pool;
  std::string storage;  // the store's URI, password masked
  std::int64_t config_generation = 1;
};

// Owned by App; outlives every request.
struct Resources {
  const Clock& clock;
  const identity::SessionTokens& tokens;
  store::BucketStore& buckets;
  std::shared_ptr<const limits::Plans> plans;
  limits::Charge health;  // what GET / charges, to see the store write
  About about;
  Duration session_lifetime;
};

// One allowed request. Lives until its response is ready.
struct Call {
  const http::Request& request;
  const identity::Identity& identity;
  const limits::Decision& decision;
  Resources& resources;
};

using Handler = Task<http::Response> (*)(const Call& call);

}  // namespace sluice::handlers
