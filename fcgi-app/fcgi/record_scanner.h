// Watches the bytes of a connection until one whole FastCGI request is there: its parameters, its
// body, and the records that libfcgi needs to answer it.
//
// libfcgi reads blockingly, and some bytes crash it: name and value lengths whose sum overflows
// (2.4.2 still; CVE-2025-23016 was half of it) and repeated names in FCGI_GET_VALUES. So it is
// handed how a request begins, checked, and nothing else. Format: FastCGI Specification 1.0,
// sections 3 to 5.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "http/request.h"

namespace sluice::fcgi {

class RecordScanner {
 public:
  struct Options {
    std::size_t max_params_bytes = 131'072;  // of all names and values, with their lengths
    std::size_t max_body_bytes = 65'536;
  };
  enum class Verdict {
    kIncomplete,  // fed bytes are all taken; more must come
    kComplete,    // one request is there
    kViolation,   // not what a web server sends: close the connection
  };

  explicit RecordScanner(Options options) : options_(options) {}

  // Takes bytes from the front of `bytes`, never beyond the end of one request.
  [[nodiscard]] Verdict feed(std::string_view& bytes);

  // Forgets the present request and starts the next one.
  void reset();

  // True between requests: nothing of a new one has come yet.
  [[nodiscard]] bool idle() const {
    return phase_ == Phase::kBegin && header_size_ == 0 && content_left_ == 0;
  }

  // These are of a complete request, and live until reset().
  // FCGI_BEGIN_REQUEST and the end of FCGI_PARAMS, fit for libfcgi.
  [[nodiscard]] std::string_view opening() const { return opening_; }
  // In the order received; the first Request::kMaxParams of them, and no more than max_params_bytes
  // hold.
  [[nodiscard]] std::span<const http::Param> params() const { return params_; }
  // Whether some are missing.
  [[nodiscard]] bool too_many_params() const { return too_many_params_; }
  // Empty where it is too large.
  [[nodiscard]] std::string_view body() const { return body_; }
  [[nodiscard]] bool body_too_large() const { return body_bytes_ > options_.max_body_bytes; }

 private:
  enum class Phase { kBegin, kParams, kBody, kDone };

  [[nodiscard]] bool accept_header();
  [[nodiscard]] bool accept_stream_header(unsigned type, std::size_t length);
  [[nodiscard]] bool accept_content(std::string_view content);
  [[nodiscard]] bool accept_begin(std::string_view content);
  [[nodiscard]] bool read_params();

  Options options_;
  Phase phase_ = Phase::kBegin;
  std::array<unsigned char, 8> header_{};
  std::size_t header_size_ = 0;   // bytes of header_ that are there
  std::size_t content_left_ = 0;  // of the present record
  std::size_t padding_left_ = 0;
  unsigned request_id_ = 0;
  std::string opening_;
  std::string pairs_;  // the content of FCGI_PARAMS
  std::vector<http::Param> params_;
  bool too_many_params_ =
      false;  // so far for their bytes; once they are read, for their number too
  std::string body_;
  std::size_t body_bytes_ = 0;
};

}  // namespace sluice::fcgi
