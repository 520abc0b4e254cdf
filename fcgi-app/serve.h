// The life of a request, from the gateway's parameters to the answer.
#pragma once

#include <memory>

#include "base/task.h"
#include "handlers/handler.h"
#include "http/request.h"
#include "http/response.h"
#include "policy/policy.h"
#include "telemetry/observer.h"

namespace sluice {

// Answers one request, by the policy that it is given. REQUIRES: request, services and `told`,
// where there is one, outlive the task.
[[nodiscard]] Task<http::Response> serve(const http::Request& request,
                                         std::shared_ptr<const policy::Policy> policy,
                                         handlers::Services& services,
                                         telemetry::Told* told = nullptr);

}  // namespace sluice
