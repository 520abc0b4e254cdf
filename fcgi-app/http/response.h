// One HTTP response, in the form in which a FastCGI responder sends it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "http/body_stream.h"

namespace sluice::http {

// "Too Many Requests" of 429.
[[nodiscard]] std::string_view reason(int status);

class Response {
 public:
  Response() = default;  // 200, with neither fields nor body
  // With Cache-Control: no-store. Every answer is of one caller and one moment, errors too: it
  // shows a session, or how that caller's limits stand.
  // An empty content type: no such field.
  Response(int status, std::string body, std::string_view content_type = "application/json");
  // The same with a body that comes in pieces; nothing says how long it will be.
  // REQUIRES: `stream` is not null; answers of this status have a body (not 204).
  Response(int status, std::unique_ptr<BodyStream> stream, std::string_view content_type);

  // Adds one field. A value with a line break in it would start another field, so such a field is
  // left out.
  void add(std::string_view name, std::string_view value);

  // Takes the field away, and returns its value; empty where there is none.
  [[nodiscard]] std::string take(std::string_view name);

  // Another status and body; the fields stay. REQUIRES: !is_streamed().
  void replace(int status, std::string body) {
    status_ = status;
    body_ = std::move(body);
  }

  [[nodiscard]] int status() const { return status_; }
  // Whether it grants what was asked for: 2xx, or less.
  [[nodiscard]] bool is_success() const { return status_ < 300; }
  // Empty where the body comes in pieces.
  [[nodiscard]] const std::string& body() const { return body_; }
  [[nodiscard]] bool is_streamed() const { return stream_ != nullptr; }
  // Hands over the stream. REQUIRES: is_streamed(), which it is no more afterwards.
  [[nodiscard]] std::unique_ptr<BodyStream> take_stream() { return std::move(stream_); }
  // The fields as sent: "Name: value\r\n" for each.
  [[nodiscard]] const std::string& fields() const { return fields_; }

  // "Status: 200 OK\r\n", the fields with the length, an empty line and the body (CGI, RFC 3875
  // section 6). Where the body comes in pieces: without length and body.
  [[nodiscard]] std::string serialize() const;

 private:
  int status_ = 200;
  std::string fields_;
  std::string body_;
  std::unique_ptr<BodyStream> stream_;  // null: the body is body_
};

}  // namespace sluice::http
