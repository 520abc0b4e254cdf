#include "http/problem.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include "http/json.h"
#include "http/ratelimit_fields.h"

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
    case ErrorCode::kUnknownRoute:
      return {503, fmt::format("No route is named \"{}\" in the config of Sluice", error.detail)};
    case ErrorCode::kUnknownPath:
      return {503,
              "nginx did not say the path: include sluice_gate.conf before a rewrite with break, "
              "and in inner locations too"};
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
    case ErrorCode::kNoReservation:
      return {404, "No reservation has this request_id"};
    case ErrorCode::kSettledOtherwise:
      return {409, "Settled already, with another number"};
    case ErrorCode::kReservationOver:
      return {410, "Not settled in time: the estimate stays charged"};
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

// Problem types that are registered, or to be, with IANA; of all else the status says enough.
constexpr std::string_view kTypes = "https://iana.org/assignments/http-problem-types#";
constexpr std::string_view kQuotaExceeded = "quota-exceeded";
constexpr std::string_view kReducedCapacity = "temporary-reduced-capacity";
constexpr std::string_view kAbnormalUsage = "abnormal-usage-detected";

struct Kind {
  std::string_view type;  // behind kTypes; empty: about:blank
  std::string_view title;
};

Kind kind_of(int status, bool locked_out) {
  if (locked_out)
    return {kAbnormalUsage, "Request not satisfied due to detection of abnormal usage"};
  if (status == 429) {
    return {kQuotaExceeded, "Request cannot be satisfied as assigned quota has been exceeded"};
  }
  if (status == 503) {
    return {kReducedCapacity,
            "Request cannot be satisfied due to temporary server capacity constraints"};
  }
  return {"", reason(status)};
}

JsonWriter details(const Kind& kind, int status, std::string_view detail) {
  JsonWriter body;
  body.set("type", kind.type.empty() ? "about:blank" : std::string(kTypes).append(kind.type));
  body.set("title", kind.title).set("status", std::int64_t{status}).set("detail", detail);
  return body;
}

Response plain(const Wording& words, Form form, bool locked_out = false) {
  if (form == Form::kDetail) {
    return {words.status, JsonWriter().set("detail", words.detail).text()};
  }
  return {words.status,
          details(kind_of(words.status, locked_out), words.status, words.detail).text(),
          kProblemType};
}

// The denial with the limits that deny in it.
Response quota_exceeded(const limits::Decision& decision, const std::string& detail) {
  JsonWriter body = details(kind_of(429, false), 429, detail);
  JsonArray names;
  JsonArray policies;
  for (std::size_t i = 0; i < decision.limits.size(); ++i) {
    if (!decision.denied_by(i)) continue;
    const limits::Limit& limit = *decision.limits[i];
    const std::string name = policy_name(decision.limits, limit);
    names.add(name);
    JsonWriter policy;
    policy.set("name", name).set("scope", limit.scope.text());
    const Duration wait = decision.balances[i].retry_after;
    if (wait != limits::kNever) policy.set("retry_after", ceil_seconds(wait));
    policies.add(policy);
  }
  body.set("violated-policies", names).set("policies", policies);
  return {429, body.text(), kProblemType};
}

// The weight that an Accept gives the type of problem details: whether it is named, and not q=0.
bool accepts_problem(std::string_view accept) {
  std::size_t start = 0;
  while (start < accept.size()) {
    const std::size_t end = std::min(accept.find(',', start), accept.size());
    std::string range;
    for (const char c : accept.substr(start, end - start)) {
      if (c != ' ' && c != '\t')
        range += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    const std::size_t parameters = std::min(range.find(';'), range.size());
    if (range.substr(0, parameters) == kProblemType) {
      const std::size_t weight = range.find(";q=0", parameters);
      // q=0, q=0.0, q=0.00 and q=0.000 alone refuse.
      return weight == std::string::npos ||
             range.find_first_not_of("0.", weight + 3) < range.find(';', weight + 1);
    }
    start = end + 1;
  }
  return false;
}

}  // namespace

Form form_of(const Request& request) {
  return accepts_problem(request.list_header("HTTP_ACCEPT")) ? Form::kProblem : Form::kDetail;
}

Response problem(const Error& error, Form form) {
  const Wording words = wording(error);
  Response response = plain(words, form);
  if (error.code == ErrorCode::kMethodNotAllowed) response.add("Allow", error.detail);
  // RFC 9110 section 12.5.3: which encodings would do.
  if (error.code == ErrorCode::kEncodedBody) response.add("Accept-Encoding", "identity");
  if (error.code == ErrorCode::kInvalidSession) response.add("WWW-Authenticate", "Session");
  if (error.code == ErrorCode::kInvalidApiKey) response.add("WWW-Authenticate", "Bearer");
  if (error.code == ErrorCode::kTooManyEndedHere) response.add("Retry-After", error.detail);
  if (words.status == 503) response.add("Retry-After", kStoreRetryAfter);
  return response;
}

Response problem(const limits::Decision& decision, Form form) {
  if (decision.barred_by == limits::BarredBy::kLockOut) {
    return plain({429, fmt::format("Denied too often: locked out for {} seconds",
                                   ceil_seconds(decision.barred_for))},
                 form, true);
  }
  const auto tightest = decision.tightest();
  if (decision.source == limits::Source::kOnStoreError || !tightest)
    return problem(Error{ErrorCode::kStoreUnavailable}, form);
  const limits::Limit& limit = *decision.limits[*tightest];
  const bool never =
      limit.quota() > 0 && decision.balances[*tightest].retry_after == limits::kNever;
  const std::string detail = fmt::format("Rate limit exceeded: {}{}", limit.text(),
                                         never ? " never allows a request of this cost" : "");
  return form == Form::kDetail ? plain({429, detail}, form) : quota_exceeded(decision, detail);
}

}  // namespace sluice::http
