// Accepts the gateway's connections and answers their requests.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "fcgi/acceptor.h"
#include "fcgi/connection.h"

namespace sluice::fcgi {

class Server {
 public:
  struct Options {
    RecordScanner::Options bounds;
    std::size_t max_connections = 4096;        // further ones wait in the listen queue
    loop::Milliseconds stall_timeout{10'000};  // for a half-sent request, or an answer not taken
    StreamBounds streams = {};                 // of answers whose body comes in pieces
  };

  // Serves the listening socket from start() on. `loop` and `log` outlive the server.
  Server(loop::Loop& loop, telemetry::Log& log, Options options, UniqueFd listener,
         Handler handler);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  void start();

  // Accepts what is still in the listen queue and no more; goes on answering for a second, in
  // which the gateway closes its idle connections; then ends each connection when it is idle, and
  // tells each body that comes in pieces to end. Calls back when the last one is gone.
  void drain(loop::Callback on_drained);

 private:
  void on_listener();
  [[nodiscard]] bool accept_one();
  void serve(UniqueFd socket);
  void listen_if_room();
  void pause();
  void report(std::string_view event, const std::string& reason);
  void on_closed(Connection& connection);
  template <class Function>
  void for_each_connection(Function function);
  void close_stalled();
  void finish_drain();

  loop::Loop& loop_;
  telemetry::Log& log_;
  Options options_;
  Acceptor acceptor_;
  Handler handler_;
  Connection::Context context_;
  std::unordered_map<Connection*, std::unique_ptr<Connection>> connections_;
  std::vector<std::unique_ptr<Connection>> closed_;               // freed at the end of the turn
  std::vector<std::unique_ptr<http::BodyStream>> ended_streams_;  // the same
  std::map<std::string, loop::Milliseconds> reported_;            // event and reason -> when last
  bool draining_ = false;
  bool paused_ = false;  // until retry_timer_ fires
  loop::Callback on_drained_;
  std::unique_ptr<loop::Readiness> listening_;
  loop::Timer stall_timer_;
  loop::Timer retry_timer_;  // ends a pause
  loop::Timer drain_timer_;  // ends the grace of a drain
  loop::BeforeWait end_of_turn_;
};

}  // namespace sluice::fcgi
