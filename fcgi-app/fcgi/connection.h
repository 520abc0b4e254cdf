// One connection from the gateway: bytes in, one request at a time, bytes out; nothing blocks.
#pragma once

#include <coroutine>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/task_group.h"
#include "base/unique_fd.h"
#include "fcgi/exchange.h"
#include "fcgi/record_scanner.h"
#include "loop/loop.h"
#include "telemetry/log.h"

namespace sluice::fcgi {

using Handler = std::function<Task<http::Response>(const http::Request&)>;

// The bounds on an answer whose body comes in pieces.
struct StreamBounds {
  // Bytes of records that the socket has not taken; 1 or more. A piece is asked for while there are
  // fewer, so no more than these and one piece are held. After so many bytes, too, everybody else
  // has a turn, and the kernel's own buffer has to be mostly free before more is asked for.
  std::size_t max_buffered = 16'384;
  loop::Milliseconds max_idle{30'000};  // in which the peer takes nothing of what waits for it
};

class Connection {
 public:
  struct Context {
    loop::Loop& loop;
    telemetry::Log& log;
    const Handler& handler;
    RecordScanner::Options bounds;
    StreamBounds streams;
    // Where streams go that are over: their own code may still be running, so destroy them later.
    std::vector<std::unique_ptr<http::BodyStream>>& ended_streams;
    // Called once, when the connection is over; it may still be running, so destroy it later.
    std::function<void(Connection&)> on_closed;
  };

  Connection(const Context& context, UniqueFd socket);
  // A body that is being sent is broken off.
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Serves it from now on. Error: kSystem when the loop cannot watch it; then destroy it.
  [[nodiscard]] Result<void> begin();
  // Ends the connection after the request in progress, if there is one; a body that comes in pieces
  // is told to end.
  void drain();
  // Ends the connection if the peer owes bytes, or takes none, since before `since`; of a body that
  // comes in pieces, for StreamBounds::max_idle.
  void close_if_stalled(loop::Milliseconds since);
  // Nothing of a request is here or under way.
  [[nodiscard]] bool idle() const { return state_ == State::kReading && scanner_.idle(); }

 private:
  // kReading: waiting for a request, or for the rest of it. kHandling: a coroutine answers it.
  // kStreaming: the body comes in pieces. kWriting: the end of the answer is in outgoing_, and the
  // socket is full. kClosed: over.
  enum class State { kReading, kHandling, kStreaming, kWriting, kClosed };

  // Suspends stream() until outgoing_ is below its bound, the loop has turned, and the kernel
  // reports room.
  struct Room;

  void on_ready(loop::Readiness::Events ready);
  void read();
  void take_request(std::string_view bytes);
  [[nodiscard]] Task<void> answer();
  [[nodiscard]] http::Response on_failed_handler(std::string_view what);
  void begin_stream(http::Response& response);
  [[nodiscard]] Task<void> stream();
  void end_stream(const Result<std::string>& last);
  void go_on();
  void note_taken();
  [[nodiscard]] bool has_bytes() const;
  void end_answer();
  void write();
  [[nodiscard]] bool send();
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
  std::unique_ptr<http::BodyStream> body_;    // while kStreaming, and then until this is destroyed
  std::coroutine_handle<> waiting_for_room_;  // stream(), at Room
  std::size_t not_taken_ = 0;                 // bytes, when note_taken() last looked
  std::unique_ptr<loop::Readiness> readiness_;  // null once closed
  // Of the request that is being handled, and of its body, which waits for body_: so they go first.
  TaskGroup tasks_;
};

}  // namespace sluice::fcgi
