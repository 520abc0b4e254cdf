#include "fcgi/connection.h"

#include <array>
#include <cerrno>

#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/thrown.h"
#include "http/gate_answer.h"
#include "http/problem.h"
#include "telemetry/task_failures.h"

namespace sluice::fcgi {
namespace {

constexpr std::size_t kReadBytes = 65536;

// What was sent and the peer has not read yet, in bytes or what these take; 0 where nobody can
// tell.
std::size_t held_by_kernel(const UniqueFd& socket) {
  int size = 0;
  return ::ioctl(socket.get(), SIOCOUTQ, &size) == 0 ? static_cast<std::size_t>(size) : 0;
}

}  // namespace

struct Connection::Room {
  Connection& connection;

  explicit Room(Connection& of) : connection(of) {}
  ~Room() { connection.waiting_for_room_ = nullptr; }
  Room(const Room&) = delete;
  Room& operator=(const Room&) = delete;
  [[nodiscard]] bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> waiting) const {
    connection.waiting_for_room_ = waiting;
    connection.watch(loop::Readiness::kReadWrite);
  }
  void await_resume() const {}
};

Connection::Connection(const Context& context, UniqueFd socket)
    : context_(context),
      socket_(std::move(socket)),
      last_progress_(context.loop.now()),
      scanner_(context.bounds),
      readiness_(std::make_unique<loop::Readiness>(
          context.loop, socket_.get(), [this](loop::Readiness::Events ready) { on_ready(ready); })),
      tasks_([this](std::string_view name, std::string_view what) { on_failed_task(name, what); }) {
}

Connection::~Connection() {
  if (state_ != State::kStreaming) return;
  Exchange::break_off(outgoing_);
  static_cast<void>(::send(socket_.get(), outgoing_.data(), outgoing_.size(), MSG_NOSIGNAL));
}

Result<void> Connection::begin() {
  return readiness_->watch(loop::Readiness::kRead);
}

void Connection::drain() {
  draining_ = true;
  if (idle()) return close();
  if (state_ == State::kStreaming) body_->drain();
}

void Connection::close_if_stalled(loop::Milliseconds since) {
  const bool is_streaming = state_ == State::kStreaming;
  const bool sends =
      state_ == State::kWriting || (is_streaming && (!outgoing_.empty() || waiting_for_room_));
  if (sends) note_taken();
  if (is_streaming) since = context_.loop.now() - context_.streams.max_idle;
  const bool waits = sends || (state_ == State::kReading && !idle() && !has_bytes());
  if (waits && last_progress_ < since) close();
}

// The kernel reports room when most of its buffer is free, which takes a slow reader long: what it
// has taken shows here.
void Connection::note_taken() {
  const std::size_t left = outgoing_.size() + held_by_kernel(socket_);
  if (left < std::exchange(not_taken_, left)) last_progress_ = context_.loop.now();
}

// Where the worker itself stood still, the peer may have sent the rest: the loop will say so.
bool Connection::has_bytes() const {
  pollfd asked{.fd = socket_.get(), .events = POLLIN, .revents = 0};
  return ::poll(&asked, 1, 0) > 0;
}

void Connection::on_ready(loop::Readiness::Events ready) {
  last_progress_ = context_.loop.now();
  if (state_ == State::kWriting) return write();
  if ((ready & loop::Readiness::kRead) != 0) read();
  if (state_ == State::kStreaming && (ready & loop::Readiness::kWrite) != 0) go_on();
}

void Connection::read() {
  std::array<char, kReadBytes> buffer;  // NOLINT(*-member-init): filled by recv
  const ssize_t size = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (state_ == State::kHandling) {
    // Hung up, or more bytes before the answer, which no gateway sends: nobody to answer either
    // way. The request itself runs to its end.
    peer_gone_ = true;
    return watch(loop::Readiness::kNone);
  }
  // While an answer is sent, bytes are an FCGI_ABORT_REQUEST, or nothing that a gateway sends.
  if (size <= 0 || state_ == State::kStreaming) return close();
  take_request({buffer.data(), static_cast<std::size_t>(size)});
}

void Connection::take_request(std::string_view bytes) {
  const auto verdict = scanner_.feed(bytes);
  if (verdict == RecordScanner::Verdict::kIncomplete) return;
  const bool accepted =
      verdict == RecordScanner::Verdict::kComplete && bytes.empty() && exchange_.begin(scanner_);
  if (!accepted) {
    context_.log.warning("gateway sent what is no FastCGI request; connection closed");
    return close();
  }
  state_ = State::kHandling;
  tasks_.start("answer a request", answer());
}

Task<void> Connection::answer() {
  http::Response response;
  try {
    response = co_await context_.handler(exchange_.request());
  } catch (...) {
    response = on_failed_handler(thrown());
  }
  if (exchange_.request().is_gated) response = http::gate_answer(std::move(response));
  if (response.is_streamed() && exchange_.request().method != "HEAD") {
    begin_stream(response);
  } else {
    outgoing_ = exchange_.finish(response);
    end_answer();
  }
}

void Connection::begin_stream(http::Response& response) {
  if (peer_gone_) return close();
  exchange_.write(response.serialize(), outgoing_);
  body_ = response.take_stream();
  state_ = State::kStreaming;
  last_progress_ = context_.loop.now();
  if (draining_) body_->drain();
  tasks_.start("stream a body", stream());
}

// Sends what is there, and asks for the next piece once there is room for it. Whoever closes the
// connection meanwhile destroys this at the end of the turn: until then it may be resumed.
Task<void> Connection::stream() {
  const std::size_t bound = context_.streams.max_buffered;
  std::size_t in_a_row = 0;  // bytes since the others had a turn
  while (send()) {
    if (outgoing_.size() >= bound || in_a_row >= bound) {
      in_a_row = 0;
      co_await Room(*this);
    }
    watch(outgoing_.empty() ? loop::Readiness::kRead : loop::Readiness::kReadWrite);
    if (state_ != State::kStreaming) co_return;
    Result<std::string> piece;
    try {
      piece = co_await body_->next();
    } catch (...) {
      piece = fail(ErrorCode::kInternal, std::string(thrown()));
    }
    if (state_ != State::kStreaming) co_return;
    if (piece && piece->size() > http::BodyStream::kMaxPiece) {
      piece = fail(ErrorCode::kInternal, "a piece is too large");
    }
    if (!piece || piece->empty()) {
      end_stream(piece);
      co_return;
    }
    const std::size_t before = outgoing_.size();
    if (before == 0) last_progress_ = context_.loop.now();  // the peer owed nothing until now
    exchange_.write(*piece, outgoing_);
    in_a_row += outgoing_.size() - before;
  }
}

void Connection::end_stream(const Result<std::string>& last) {
  context_.ended_streams.push_back(std::move(body_));
  if (last) {
    exchange_.finish(outgoing_);
  } else {
    context_.log.error("an answer is broken off", {{"reason", last.error().detail}});
    Exchange::break_off(outgoing_);
    draining_ = true;  // nothing may follow
  }
  end_answer();
}

// The peer takes bytes again, or the others had their turn.
void Connection::go_on() {
  if (!send()) return;
  if (waiting_for_room_ && outgoing_.size() < context_.streams.max_buffered) {
    return std::exchange(waiting_for_room_, nullptr).resume();
  }
  if (outgoing_.empty()) watch(loop::Readiness::kRead);
}

void Connection::end_answer() {
  scanner_.reset();
  state_ = State::kWriting;
  last_progress_ = context_.loop.now();  // the peer was not asked for anything before
  write();
  // What the kernel has taken is no progress of the peer's yet.
  if (state_ == State::kWriting) not_taken_ = outgoing_.size() + held_by_kernel(socket_);
}

http::Response Connection::on_failed_handler(std::string_view what) {
  context_.log.error("handler failed", {{"reason", what}});
  return http::problem(Error{ErrorCode::kInternal});
}

// Sends what the socket takes; false where the peer is gone, and the connection closed.
bool Connection::send() {
  if (outgoing_.empty()) return true;
  const ssize_t sent = ::send(socket_.get(), outgoing_.data(), outgoing_.size(), MSG_NOSIGNAL);
  if (sent < 0 && errno != EAGAIN && errno != EINTR) {
    close();
    return false;
  }
  if (sent > 0) {
    outgoing_.erase(0, static_cast<std::size_t>(sent));
    if (state_ == State::kStreaming) last_progress_ = context_.loop.now();
  }
  return true;
}

void Connection::write() {
  if (peer_gone_) return close();
  if (!send()) return;
  if (!outgoing_.empty()) return watch(loop::Readiness::kWrite);
  if (draining_ || !exchange_.keep_connection()) return close();
  state_ = State::kReading;
  watch(loop::Readiness::kRead);
}

// A connection that nobody watches would be held for ever.
void Connection::watch(loop::Readiness::Events wanted) {
  if (const auto watched = readiness_->watch(wanted); !watched) {
    context_.log.error("cannot watch a connection; closed", {{"reason", watched.error().detail}});
    close();
  }
}

// What failed is the answer itself: there is nothing to send.
void Connection::on_failed_task(std::string_view name, std::string_view what) {
  telemetry::log_failures(context_.log)(name, what);
  if (state_ != State::kClosed) close();
}

void Connection::close() {
  state_ = State::kClosed;
  readiness_.reset();
  socket_.reset();
  context_.on_closed(*this);
}

}  // namespace sluice::fcgi
