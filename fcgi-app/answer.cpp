#include "answer.h"

#include <utility>

#include "http/cors.h"

namespace sluice {
namespace {

Task<http::Response> answer_to_pages(const http::Request& request,
                                     std::shared_ptr<const policy::Policy> policy,
                                     handlers::Services& services, telemetry::Told* told) {
  http::Response response = co_await serve(request, policy, services, told);
  // What nginx lets pass is answered by somebody else.
  const bool is_ours = !request.is_gated || !response.is_success();
  if (is_ours) http::write_cors_fields(policy->cors(), request, response);
  co_return response;
}

}  // namespace

Task<http::Response> answer(const http::Request& request,
                            std::shared_ptr<const policy::Policy> policy,
                            handlers::Services& services, telemetry::Told* told) {
  const bool is_ours = !request.is_gated || request.is_handed_over;
  if (!is_ours || policy->cors().origins.empty()) {
    return serve(request, std::move(policy), services, told);
  }
  return answer_to_pages(request, std::move(policy), services, told);
}

}  // namespace sluice
