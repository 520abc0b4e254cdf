// serve(), and what its answer says to pages of other origins.
#pragma once

#include <memory>

#include "serve.h"

namespace sluice {

// As serve(). Of a gated request only serve()'s answer: to its pages nginx speaks, or the
// application.
[[nodiscard]] Task<http::Response> answer(const http::Request& request,
                                          std::shared_ptr<const policy::Policy> policy,
                                          handlers::Services& services,
                                          telemetry::Told* told = nullptr);

}  // namespace sluice
