// Result<T>: a value or an Error. Expected outcomes are values.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <tl/expected.hpp>

namespace sluice {

// Every way in which something can fail. Closed: http/problem.cpp maps each to its HTTP status in
// the one switch that does so. A denial by a limit is not among them: it is a Decision, never an
// error.
enum class ErrorCode {
  kBadRequest,        // the request cannot be understood; detail says why
  kInvalidSession,    // forged, malformed or expired session token
  kForeignSession,    // a genuine session, of another tenant
  kInvalidApiKey,     // an API key that is not on the list
  kForeignApiKey,     // an API key on the list, of another tenant
  kForbidden,         // on the deny list
  kUnknownTenant,     // well formed, but in no config
  kNotFound,          // no such path
  kUnknownRoute,      // that nginx names for a gated request; detail holds it
  kUnknownPath,       // of a gated request, for which nginx names no route either
  kMethodNotAllowed,  // detail holds the value of the Allow field
  kBodyTooLarge,      // beyond the configured bound
  kEncodedBody,       // compressed or otherwise encoded; detail says how
  kTooManyEnded,      // no more sessions of the tenant can be ended today
  kTooManyEndedHere,  // nor any from the caller's network; detail: the seconds until one can
  kNoReservation,     // none has such an id
  kSettledOtherwise,  // the reservation is settled, with another number
  kReservationOver,   // nobody settled it in time
  kStoreUnavailable,  // store down, or not in time; the request may be retried
  kStoreFault,        // the store answered nonsense: our bug or somebody else's data
  kInvalidConfig,     // detail is one `file:line: what to do` line, or several
  kSystem,            // a system call failed at start-up; detail names it
  kInternal,          // an exception escaped a handler
};

struct Error {
  ErrorCode code;
  std::string detail = {};
};

template <class T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using tl::expected<T, Error>::expected;
};

[[nodiscard]] inline tl::unexpected<Error> fail(ErrorCode code, std::string detail = {}) {
  return tl::unexpected<Error>(Error{code, std::move(detail)});
}

// kInvalidConfig of one text in it, which is quoted: `"8/fortnight": why`.
[[nodiscard]] inline tl::unexpected<Error> refuse(std::string_view text, std::string_view why) {
  std::string detail = "\"";
  return fail(ErrorCode::kInvalidConfig, detail.append(text).append("\": ").append(why));
}

}  // namespace sluice
