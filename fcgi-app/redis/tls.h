// TLS, for rediss://: whom a worker trusts and who it is (TlsContext), and the two directions of
// one connection (TlsSession). The one home of OpenSSL.
//
// A session never touches the socket: Wire gives it what came, and sends what it made. So it cannot
// block; a read that has to write (an alert, new keys) only leaves more to send; and no byte that
// came waits inside, where the loop would not see it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "redis/uri.h"

struct bio_st;
struct ssl_ctx_st;
struct ssl_st;

namespace sluice::redis {

// TLS 1.2 or newer, with a certificate of Redis's that must be good. The files are read once.
class TlsContext {
 public:
  // Error: kInvalidConfig, naming the file and what is wrong with it.
  [[nodiscard]] static Result<std::shared_ptr<const TlsContext>> load(const TlsFiles& files);

 private:
  friend class TlsSession;
  struct Release {
    void operator()(ssl_ctx_st* context) const;
  };
  using Handle = std::unique_ptr<ssl_ctx_st, Release>;
  explicit TlsContext(Handle handle) : handle_(std::move(handle)) {}

  Handle handle_;
};

class TlsSession {
 public:
  // For a connection to `host`, a name or the literal of an address, of which the certificate must
  // be. What begins the handshake is in outgoing() at once.
  TlsSession(const TlsContext& context, const std::string& host);

  // Whether Redis is who it should be. It may still refuse our certificate: with TLS 1.3 that comes
  // as an error after this.
  [[nodiscard]] bool is_up() const;

  // Takes what the socket brought, in pieces of any size, and appends to `text` what it says.
  // What is wrong, in one line, when the connection is at its end.
  [[nodiscard]] std::optional<std::string> open(std::string_view bytes, std::string& text);
  // The other direction, into outgoing(). REQUIRES: is_up().
  void seal(std::string_view text);

  // The bytes for the socket; whoever has sent some takes them off.
  [[nodiscard]] std::string& outgoing() { return outgoing_; }

 private:
  struct Release {
    void operator()(ssl_st* session) const;
  };

  void collect();
  [[nodiscard]] std::string failure() const;

  std::string host_;
  std::unique_ptr<ssl_st, Release> session_;
  bio_st* incoming_ = nullptr;  // of the session: what came
  bio_st* sealed_ = nullptr;    // of the session: what it made
  std::string outgoing_;
};

}  // namespace sluice::redis
