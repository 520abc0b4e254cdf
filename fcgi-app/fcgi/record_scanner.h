// Watches the bytes of a connection until one whole FastCGI request is there, and lets nothing
// through that libfcgi 2.4.2 must not see.
//
// libfcgi reads blockingly, and some bytes crash it: name and value lengths whose sum overflows
// (2.4.2 still; CVE-2025-23016 was half of it) and repeated names in FCGI_GET_VALUES. So it is
// handed requests that are complete and well formed, and nothing else. Format: FastCGI
// Specification 1.0, sections 3 to 5.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::fcgi {

class RecordScanner {
 public:
  struct Options {
    std::size_t max_params_bytes = 131'072;  // of all names and values together
    std::size_t max_body_bytes = 65'536;
  };
  enum class Verdict {
    kIncomplete,  // fed bytes are all taken; more must come
    kComplete,    // records() hold one request
    kViolation,   // not what a web server sends: close the connection
  };

  explicit RecordScanner(Options options) : options_(options) {}

  // Takes bytes from the front of `bytes`, never beyond the end of one request.
  [[nodiscard]] Verdict feed(std::string_view& bytes);

  // Forgets the present request and starts the next one.
  void reset();

  // True between requests: nothing of a new one has come yet.
  [[nodiscard]] bool idle() const { return records_.empty() && header_size_ == 0; }
  // The records of the request, fit for libfcgi. A body beyond the bound is cut short.
  [[nodiscard]] std::string_view records() const { return records_; }
  [[nodiscard]] bool body_too_large() const { return body_bytes_ > options_.max_body_bytes; }

 private:
  enum class Phase { kBegin, kParams, kBody, kDone };
  enum class Field { kNameLength, kValueLength, kText };  // of a name-value pair

  [[nodiscard]] bool accept_header();
  [[nodiscard]] bool accept_stream_header(unsigned type, std::size_t length);
  [[nodiscard]] bool accept_content(std::string_view content);
  [[nodiscard]] bool accept_begin(std::string_view content);
  [[nodiscard]] bool accept_pairs(std::string_view content);
  [[nodiscard]] bool end_params();

  Options options_;
  std::string records_;
  Phase phase_ = Phase::kBegin;
  std::array<unsigned char, 8> header_{};
  std::size_t header_size_ = 0;   // bytes of header_ that are there
  std::size_t content_left_ = 0;  // of the present record
  std::size_t padding_left_ = 0;
  std::string begin_body_;
  unsigned request_id_ = 0;
  std::size_t params_bytes_ = 0;
  std::size_t body_bytes_ = 0;
  // The name-value pair being read.
  Field field_ = Field::kNameLength;
  std::uint32_t length_ = 0;        // the length being read
  unsigned length_bytes_left_ = 0;  // of a four-byte length
  std::size_t pair_left_ = 0;       // bytes of name and value still to come
};

}  // namespace sluice::fcgi
