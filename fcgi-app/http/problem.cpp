#include "http/problem.h"

#include <fmt/format.h>

#include "http/json.h"

namespace sluice::http {
namespace {

struct Wording {
  int status;
  std::string detail;
};

Wording wording(const Error& error) {
  switch (error.code) {
    case ErrorCode::kBadRequest:
      return {400, error.detail.empty() ? "Bad Request" : error.detail};
    case ErrorCode::kInvalidSession:
      return {401, "Invalid or expired session"};
    case ErrorCode::kForeignSession:
      return {403, "Session does not belong to tenant"};
    case ErrorCode::kInvalidApiKey:
      return {401, "Invalid API key"};
    case ErrorCode::kForeignApiKey:
      return {403, "API key does not belong to tenant"};
    case ErrorCode::kForbidden:
      return {403, "Forbidden"};
    case ErrorCode::kUnknownTenant:
      return {404, "Unknown tenant"};
    case ErrorCode::kNotFound:
      return {404, "Not Found"};
    case ErrorCode::kMethodNotAllowed:
      return {405, "Method Not Allowed"};
    case ErrorCode::kBodyTooLarge:
      return {413, "Request body is too large"};
    case ErrorCode::kEncodedBody:
      return {415, error.detail};
    case ErrorCode::kTooManyEnded:
      return {503, "Too many sessions were ended today; this one ends by itself"};
    case ErrorCode::kTooManyEndedHere:
      return {429, "Too many sessions were ended today from your network; this one ends by itself"};
    case ErrorCode::kStoreUnavailable:
    case ErrorCode::kStoreFault:
      return {503, "Rate limit store unavailable"};
    case ErrorCode::kInvalidConfig:
    case ErrorCode::kSystem:
    case ErrorCode::kInternal:
      break;
  }
  return {500, "Internal Server Error"};
}

Response detail_response(int status, std::string_view detail) {
  return {status, JsonWriter().set("detail", detail).text()};
}

}  // namespace

Response problem(const Error& error) {
  const Wording words = wording(error);
  Response response = detail_response(words.status, words.detail);
  if (error.code == ErrorCode::kMethodNotAllowed) response.add("Allow", error.detail);
  // RFC 9110 section 12.5.3: which encodings would do.
  if (error.code == ErrorCode::kEncodedBody) response.add("Accept-Encoding", "identity");
  if (error.code == ErrorCode::kInvalidSession) response.add("WWW-Authenticate", "Session");
  if (error.code == ErrorCode::kInvalidApiKey) response.add("WWW-Authenticate", "Bearer");
  if (error.code == ErrorCode::kTooManyEndedHere) response.add("Retry-After", error.detail);
  if (words.status == 503) response.add("Retry-After", kStoreRetryAfter);
  return response;
}

Response problem(const limits::Decision& decision) {
  if (decision.barred_by == limits::BarredBy::kLockOut) {
    return detail_response(429, fmt::format("Denied too often: locked out for {} seconds",
                                            ceil_seconds(decision.barred_for)));
  }
  const auto tightest = decision.tightest();
  if (decision.source == limits::Source::kOnStoreError || !tightest)
    return problem(Error{ErrorCode::kStoreUnavailable});
  const limits::Limit& limit = *decision.limits[*tightest];
  const bool never =
      limit.quota() > 0 && decision.balances[*tightest].retry_after == limits::kNever;
  return detail_response(429, fmt::format("Rate limit exceeded: {}{}", limit.text(),
                                          never ? " never allows a request of this cost" : ""));
}

}  // namespace sluice::http
