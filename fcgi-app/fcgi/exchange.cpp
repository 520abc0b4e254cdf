#include "fcgi/exchange.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>

#include <fcgiapp.h>
#include <fcgios.h>

namespace sluice::fcgi {
namespace {

// What the layer below libfcgi reads from and writes to. Set around each call into libfcgi; its
// interface has no other place for it. One thread, so one is enough.
struct Streams {
  std::string_view input;
  std::string* output;
};
Streams* streams = nullptr;

class StreamsGuard {
 public:
  StreamsGuard(std::string_view input, std::string* output) : streams_{input, output} {
    streams = &streams_;
  }
  ~StreamsGuard() { streams = nullptr; }
  StreamsGuard(const StreamsGuard&) = delete;
  StreamsGuard& operator=(const StreamsGuard&) = delete;

 private:
  Streams streams_;
};

// Stands for the connection inside libfcgi, which only hands it back to our layer.
constexpr int kNoDescriptor = INT_MAX;

}  // namespace
}  // namespace sluice::fcgi

// NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): fcgios.h abbreviates.
extern "C" {

int OS_Read(int /*fd*/, char* buffer, std::size_t size) {
  auto& input = sluice::fcgi::streams->input;
  const std::size_t count = std::min(size, input.size());
  std::memcpy(buffer, input.data(), count);
  input.remove_prefix(count);
  return static_cast<int>(count);
}

int OS_Write(int /*fd*/, char* buffer, std::size_t size) {
  auto* output = sluice::fcgi::streams->output;
  if (output) output->append(buffer, size);
  return static_cast<int>(size);
}

int OS_IpcClose(int /*fd*/, int /*shutdown*/) {
  return 0;
}

}  // extern "C"
// NOLINTEND(readability-inconsistent-declaration-parameter-name)

namespace sluice::fcgi {

Result<bool> initialize_libfcgi() {
  if (FCGX_Init() != 0) return fail(ErrorCode::kSystem, "libfcgi: FCGX_Init failed");
  // BEGIN_REQUEST (responder, keep) and the ends of both streams.
  std::string_view probe(
      "\1\1\0\1\0\10\0\0\0\1\1\0\0\0\0\0"
      "\1\4\0\1\0\0\0\0\1\5\0\1\0\0\0\0",
      32);
  RecordScanner scanner({});
  Exchange exchange;
  if (scanner.feed(probe) != RecordScanner::Verdict::kComplete || !exchange.begin(scanner) ||
      exchange.finish({204, ""}).empty()) {
    return fail(ErrorCode::kSystem,
                "libfcgi does not use our OS_Read and OS_Write; link it as a shared library");
  }
  return true;
}

Exchange::Exchange() : fcgx_(std::make_unique<FCGX_Request>()) {
  FCGX_InitRequest(fcgx_.get(), -1, FCGI_FAIL_ACCEPT_ON_INTR);
  fcgx_->ipcFd = kNoDescriptor;
}

Exchange::~Exchange() {
  const StreamsGuard guard({}, nullptr);
  FCGX_Free(fcgx_.get(), 0);
}

bool Exchange::begin(const RecordScanner& scanner) {
  const StreamsGuard guard(scanner.opening(), nullptr);
  fcgx_->ipcFd = kNoDescriptor;
  fcgx_->keepConnection = 1;  // FCGX_Accept_r begins with a Finish, which would let go of ipcFd
  if (FCGX_Accept_r(fcgx_.get()) != 0 || FCGX_GetError(fcgx_->in) != 0) {
    FCGX_Free(fcgx_.get(), 0);
    return false;
  }
  keep_connection_ = fcgx_->keepConnection != 0;
  request_ = {};
  std::string_view gated_path;
  for (const http::Param& param : scanner.params()) {
    if (param.name == "REQUEST_METHOD") request_.method = param.value;
    if (param.name == "DOCUMENT_URI") request_.path = param.value;
    if (param.name == "REMOTE_ADDR") request_.remote_address = param.value;
    if (param.name == "SLUICE_GATE") request_.is_gated = param.value == "on";
    if (param.name == "SLUICE_SETTLE") request_.is_settled_by_nginx = param.value == "on";
    if (param.name == "SLUICE_ROUTE") request_.gated_route = param.value;
    if (param.name == "SLUICE_HANDED_OVER") request_.handed_over = param.value;
    if (param.name == "SLUICE_URI") gated_path = param.value;
  }
  // DOCUMENT_URI is that of nginx's question.
  if (request_.is_gated) request_.path = gated_path;
  if (request_.is_settled_by_nginx) {
    request_.method = "POST";
    request_.path = "/settle";
  }
  request_.params = scanner.params();
  request_.too_many_params = scanner.too_many_params();
  request_.body = scanner.body();
  request_.body_too_large = scanner.body_too_large();
  return true;
}

std::string Exchange::finish(const http::Response& response) {
  std::string output;
  const StreamsGuard guard({}, &output);
  const std::string text = response.serialize();
  FCGX_PutStr(text.data(), static_cast<int>(text.size()), fcgx_->out);
  end_request();
  return output;
}

void Exchange::write(std::string_view bytes, std::string& output) {
  const StreamsGuard guard({}, &output);
  FCGX_PutStr(bytes.data(), static_cast<int>(bytes.size()), fcgx_->out);
  FCGX_FFlush(fcgx_->out);
}

void Exchange::finish(std::string& output) {
  const StreamsGuard guard({}, &output);
  end_request();
}

void Exchange::end_request() {
  fcgx_->keepConnection = 1;
  FCGX_Finish_r(fcgx_.get());
  request_ = {};
}

// FCGI_UNKNOWN_TYPE, the record of an application that has not understood one. A close alone is not
// enough: nginx with fastcgi_buffering off takes it for the end of a whole answer. This record is
// an error to nginx, buffering or not, and it breaks off the client's answer too.
void Exchange::break_off(std::string& output) {
  constexpr std::string_view kUnknownType("\1\13\0\0\0\10\0\0\0\0\0\0\0\0\0\0", 16);
  output.append(kUnknownType);
}

}  // namespace sluice::fcgi
