// One connection from the gateway: bytes in, one request at a time, bytes out; nothing blocks.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/task_group.h"
#include "base/unique_fd.h"
#include "fcgi/exchange.h"
#include "fcgi/record_scanner.h"
#include "loop/loop.h"
#include "telemetry/log.h"

namespace sluice::fcgi {

using Handler = std::function<Task<http::Response>(const http::Request&)>;

class Connection {
 public:
  struct Context {
    loop::Loop& loop;
    telemetry::Log& log;
    const Handler& handler;
    RecordScanner::Options bounds;
    // Called once, when the connection is over; it may still be running, so destroy it later.
    std::function<void(Connection&)> on_closed;
  };

  Connection(const Context& context, UniqueFd socket);
  ~Connection() = default;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Serves it from now on. Error: kSystem when the loop cannot watch it; then destroy it.
  [[nodiscard]] Result<void> begin();
  // Ends the connection after the request in progress, if there is one.
  void drain();
  // Ends the connection if the peer owes bytes, or takes none, since before `since`.
  void close_if_stalled(loop::Milliseconds since);
  // Nothing of a request is here or under way.
  [[nodiscard]] bool idle() const { return state_ == State::kReading && scanner_.idle(); }

 private:
  // kReading: waiting for a request, or for the rest of it. kHandling: a coroutine answers it.
  // kWriting: the socket is full. kClosed: over.
  enum class State { kReading, kHandling, kWriting, kClosed };

  void on_ready(loop::Readiness::Events ready);
  void read();
  void take_request(std::string_view bytes);
  [[nodiscard]] Task<void> answer();
  [[nodiscard]] http::Response on_failed_handler(std::string_view what);
  void write();
  void watch(loop::Readiness::Events wanted);
  void on_failed_task(std::string_view name, std::string_view what);
  void close();

  const Context& context_;
  UniqueFd socket_;
  State state_ = State::kReading;
  bool draining_ = false;
  bool peer_gone_ = false;
  loop::Milliseconds last_progress_;  // of the peer; while writing, not before that began
  RecordScanner scanner_;
  Exchange exchange_;
  std::string outgoing_;
  std::unique_ptr<loop::Readiness> readiness_;  // null once closed
  TaskGroup tasks_;                             // of the request that is being handled
};

}  // namespace sluice::fcgi
