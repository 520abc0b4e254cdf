// One HTTP request, as the gateway told it.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "http/json.h"

namespace sluice::http {

// A CGI variable: name as in "HTTP_X_TENANT_ID", and its value.
struct Param {
  std::string_view name;
  std::string_view value;
};

// "HTTP_X_TENANT_ID" as a client knows it: "X-TENANT-ID". REQUIRES: it begins with "HTTP_".
[[nodiscard]] std::string header_name(std::string_view cgi_name);
// The other way round, from any case: "HTTP_X_TENANT_ID" of "X-Tenant-ID".
[[nodiscard]] std::string cgi_name(std::string_view header);

// What nginx says of a gated request in the variable $sluice_fact_NAME: "SLUICE_FACT_ORG" of "org".
[[nodiscard]] std::string fact_param(std::string_view name);

// Views into the connection's memory: valid until its response is made, or its body is over. Of
// this one request alone, so nothing here is shared between requests.
struct Request {
  // CGI variables of a request, headers among them; nginx itself sends a dozen. A bound on their
  // bytes alone would let 65,536 empty ones through.
  static constexpr std::size_t kMaxParams = 256;

  std::string_view method;
  std::string_view path;            // decoded and normalised by nginx, without the query
  std::string_view remote_address;  // the peer of nginx, as text
  std::span<const Param> params;    // every CGI variable, in the order received
  std::string_view body;
  bool body_too_large = false;   // then `body` is empty
  bool too_many_params = false;  // then `params` are the first of them, kMaxParams at most
  // Whether nginx asks if it may let a request pass to another application: then `path` and
  // `method` are that request's, and there is no body.
  bool is_gated = false;
  bool is_settled_by_nginx = false;  // whether nginx itself asks: no client can say so
  std::string_view gated_route;      // the route that nginx names for it; empty: see its path
  bool is_handed_over = false;       // whether nginx hands its decision over, to a worker of ours
  std::string_view handed_over;      // nginx's decision, see limits/handed_over.h; empty: none

  // The value of the header whose CGI name is `name`; absent or empty: nullopt. A header sent
  // twice, or with a list in it, is refused with kBadRequest: nobody may choose which one counts.
  [[nodiscard]] Result<std::optional<std::string_view>> header(std::string_view name) const;
  // The same where a comma is text, as in a User-Agent.
  [[nodiscard]] Result<std::optional<std::string_view>> text_header(std::string_view name) const;
  // The values of a header that is a list, however many lines it came in: all of them, in order,
  // with commas between (RFC 9110 section 5.3). Absent: empty.
  [[nodiscard]] std::string list_header(std::string_view name) const;

  // The body as a JSON object, parsed at the first call. Errors: kEncodedBody, for a body with a
  // Content-Encoding other than identity; as of JsonObject::parse().
  [[nodiscard]] const Result<JsonObject>& json() const;

 private:
  [[nodiscard]] Result<JsonObject> parse_json() const;

  mutable std::optional<Result<JsonObject>> json_;
};

}  // namespace sluice::http
