// The way to a Redis that comes and goes: connects, logs in, loads the script; begins again, with
// growing pauses, whenever the wire goes down. While there is no ready wire a command fails at
// once, so an outage costs a request nothing but its answer.
#pragma once

#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "base/task.h"
#include "store/redis/uri.h"
#include "store/redis/wire.h"
#include "telemetry/log.h"

namespace sluice::store::redis {

class Connection {
 public:
  struct Options {
    Uri uri;
    std::shared_ptr<const TlsContext> tls;  // of uri.tls, where that is set
    Wire::Options wire;
    loop::Milliseconds backoff_min{50};    // the first pause before connecting again; doubled
    loop::Milliseconds backoff_max{1000};  // each time up to this, less up to a half at random
  };

  // Starts connecting. `script` (static text) is loaded by every new wire before it counts as
  // ready. `loop` and `log` outlive the connection.
  Connection(loop::Loop& loop, telemetry::Log& log, Options options, std::string_view script);
  ~Connection() = default;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // The wire to send commands on; nullptr while the store is down.
  [[nodiscard]] Wire* wire() { return ready_ ? wire_.get() : nullptr; }
  // The SHA1 under which Redis knows the script. REQUIRES: wire().
  [[nodiscard]] const std::string& script_sha() const { return script_sha_; }
  [[nodiscard]] std::string_view script() const { return script_; }

  // Calls back once, from the loop, when the first attempt has ended, well or not, or has taken as
  // long as connecting and one command may.
  void when_settled(loop::Callback callback) { on_settled_ = std::move(callback); }

  // Gives up the present wire, because its server cannot serve, and connects anew.
  void drop(const std::string& why);

  // Ends it for good, and says nothing: what waits on the wire fails now, while whoever waits is
  // still there.
  void close();

  // What a command has shown: that the server serves, or that it answers and refuses to. Being
  // connected proves nothing. Changes are logged, and the pauses are short again after a success.
  void report_serving();
  void report_refusing(std::string_view why);

 private:
  void connect();
  void resolve();
  void connect_next();
  void on_down(const std::string& why);
  void on_ready();
  void settle();
  [[nodiscard]] Task<void> log_in();
  [[nodiscard]] Task<Result<Reply>> ask(Arguments arguments);

  loop::Loop& loop_;
  telemetry::Log& log_;
  Options options_;
  std::string_view script_;
  std::string script_sha_;
  bool ready_ = false;
  std::optional<bool> serving_;  // what the log said last
  loop::Callback on_settled_;
  std::vector<loop::SocketAddress> addresses_;  // still to be tried in this attempt
  std::string failures_;                        // of those that were, for the log
  std::unique_ptr<loop::Resolve> resolve_;
  std::unique_ptr<Wire> wire_;
  loop::Milliseconds backoff_;
  std::minstd_rand random_;
  loop::Timer retry_;
  loop::Timer settle_by_;
};

}  // namespace sluice::store::redis
