// One request and its response; the one home of fcgiapp.h.
//
// libfcgi opens the request and writes the records of its answer. It reads and writes through its
// own operating-system layer (OS_Read, OS_Write, OS_IpcClose of fcgios.h). exchange.cpp provides
// that layer: it reads from the records that the scanner has checked, and writes into a string. So
// libfcgi never touches a socket and never blocks. Parameters and body come from the scanner: in
// libfcgi's environment each would be a string of its own.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "fcgi/record_scanner.h"
#include "http/request.h"
#include "http/response.h"

struct FCGX_Request;

namespace sluice::fcgi {

// Prepares libfcgi and proves that it uses our layer. Call once, before any signal handler is set:
// libfcgi sets its own. Error: kSystem.
[[nodiscard]] Result<bool> initialize_libfcgi();

class Exchange {
 public:
  Exchange();
  ~Exchange();
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  // Opens the request that `scanner` has; false if libfcgi refuses it. request() is then valid
  // until finish(), and as long as the scanner has it. REQUIRES: no request is open.
  [[nodiscard]] bool begin(const RecordScanner& scanner);
  [[nodiscard]] const http::Request& request() const { return request_; }

  // Ends the request: what to send to the gateway. Of a response whose body comes in pieces that is
  // all but the body.
  [[nodiscard]] std::string finish(const http::Response& response);

  // The same in steps: write() takes one part of the answer after the other, at most INT_MAX bytes
  // each, and finish() ends the request. Both append records to `output`.
  void write(std::string_view bytes, std::string& output);
  void finish(std::string& output);
  // Instead of finish(), where the answer cannot be made whole: appends what no gateway takes for
  // an end. REQUIRES: the connection is closed behind it.
  static void break_off(std::string& output);

  // Whether the gateway asked to keep the connection. Valid after begin().
  [[nodiscard]] bool keep_connection() const { return keep_connection_; }

 private:
  void end_request();

  std::unique_ptr<FCGX_Request> fcgx_;
  http::Request request_;
  bool keep_connection_ = false;
};

}  // namespace sluice::fcgi
