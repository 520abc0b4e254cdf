#include "redis/tls.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <new>

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include "base/unique_fd.h"

namespace sluice::redis {
namespace {

constexpr std::size_t kRecordBytes = 16384;  // the most that one record holds

tl::unexpected<Error> refuse(std::string_view file, std::string_view why) {
  return fail(ErrorCode::kInvalidConfig, fmt::format("{}: {}", file, why));
}

// OpenSSL would say less, and wait for the writer of a FIFO.
std::optional<std::string> why_unreadable(const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0) return std::strerror(errno);
  if (!S_ISREG(status.st_mode)) return "is not a regular file";
  return std::nullopt;
}

bool is_address(const std::string& host) {
  in6_addr ignored{};
  return ::inet_pton(AF_INET, host.c_str(), &ignored) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), &ignored) == 1;
}

// A key with a passphrase is refused: the default is to ask the terminal.
int no_passphrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*data*/) {
  return -1;
}

}  // namespace

void TlsContext::Release::operator()(ssl_ctx_st* context) const {
  SSL_CTX_free(context);
}

void TlsSession::Release::operator()(ssl_st* session) const {
  SSL_free(session);
}

Result<std::shared_ptr<const TlsContext>> TlsContext::load(const TlsFiles& files) {
  for (const std::string& file : {files.ca, files.cert, files.key}) {
    const auto why = file.empty() ? std::nullopt : why_unreadable(file);
    if (why) return refuse(file, *why);
  }
  Handle handle(SSL_CTX_new(TLS_client_method()));
  SSL_CTX* const context = handle.get();
  if (!context) throw std::bad_alloc();
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_default_passwd_cb(context, no_passphrase);
  const int trusted = files.ca.empty() ? SSL_CTX_set_default_verify_paths(context)
                                       : SSL_CTX_load_verify_file(context, files.ca.c_str());
  if (trusted != 1) return refuse(files.ca, "has no certificate in PEM");
  if (!files.cert.empty()) {
    if (SSL_CTX_use_certificate_chain_file(context, files.cert.c_str()) != 1) {
      return refuse(files.cert, "has no certificate in PEM, or one too weak");
    }
    if (SSL_CTX_use_PrivateKey_file(context, files.key.c_str(), SSL_FILETYPE_PEM) != 1) {
      return refuse(files.key,
                    fmt::format("has no key of {} in PEM, or one with a passphrase", files.cert));
    }
  }
  ERR_clear_error();
  return std::shared_ptr<const TlsContext>(new TlsContext(std::move(handle)));
}

TlsSession::TlsSession(const TlsContext& context, const std::string& host)
    : host_(host),
      session_(SSL_new(context.handle_.get())),
      incoming_(BIO_new(BIO_s_mem())),
      sealed_(BIO_new(BIO_s_mem())) {
  SSL* const session = session_.get();
  if (!session || !incoming_ || !sealed_) throw std::bad_alloc();
  SSL_set_bio(session, incoming_, sealed_);  // which owns both now
  X509_VERIFY_PARAM* const wanted = SSL_get0_param(session);
  int set = 0;
  if (is_address(host)) {
    set = X509_VERIFY_PARAM_set1_ip_asc(wanted, host.c_str());
  } else {
    X509_VERIFY_PARAM_set_hostflags(
        wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    set = X509_VERIFY_PARAM_set1_host(wanted, host.data(), host.size());
    if (set == 1) set = static_cast<int>(SSL_set_tlsext_host_name(session, host.c_str()));
  }
  if (set != 1) throw std::bad_alloc();  // parse_uri() lets no other reason pass
  SSL_set_connect_state(session);
  SSL_do_handshake(session);
  collect();
}

bool TlsSession::is_up() const {
  return SSL_is_init_finished(session_.get()) == 1;
}

std::optional<std::string> TlsSession::open(std::string_view bytes, std::string& text) {
  BIO_write(incoming_, bytes.data(), static_cast<int>(bytes.size()));
  std::array<char, kRecordBytes> record;  // NOLINT(*-member-init): filled by SSL_read_ex
  int result = 1;
  while (result == 1) {
    std::size_t size = 0;
    ERR_clear_error();  // SSL_get_error() looks at all that the thread has left there
    result = SSL_read_ex(session_.get(), record.data(), record.size(), &size);
    text.append(record.data(), size);
  }
  const int error = SSL_get_error(session_.get(), result);
  collect();
  if (error == SSL_ERROR_WANT_READ) return std::nullopt;
  return error == SSL_ERROR_ZERO_RETURN ? "closed by Redis" : failure();
}

void TlsSession::seal(std::string_view text) {
  std::size_t size = 0;
  // Memory takes all; after a failure nothing is sent, and open() has said why.
  if (!text.empty()) SSL_write_ex(session_.get(), text.data(), text.size(), &size);
  collect();
}

void TlsSession::collect() {
  char* made = nullptr;
  const auto size = static_cast<std::size_t>(BIO_get_mem_data(sealed_, &made));
  outgoing_.append(made, size);
  static_cast<void>(BIO_reset(sealed_));
}

std::string TlsSession::failure() const {
  const long verdict = SSL_get_verify_result(session_.get());
  if (verdict != X509_V_OK) {
    return fmt::format("TLS: certificate for {}: {}", host_,
                       X509_verify_cert_error_string(verdict));
  }
  const unsigned long error = ERR_peek_error();
  const char* const reason = ERR_reason_error_string(error);
  if (!reason) return "TLS: failed";
  switch (ERR_GET_REASON(error)) {
    case SSL_R_WRONG_VERSION_NUMBER:
      return "TLS: Redis does not speak it at this port";
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
      return "TLS: Redis wants a client certificate";
    default:
      break;
  }
  const bool is_alert = ERR_GET_REASON(error) > SSL_AD_REASON_OFFSET;
  return fmt::format("TLS: {}{}", is_alert ? "Redis refuses: " : "", reason);
}

}  // namespace sluice::redis
