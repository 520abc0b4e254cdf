#include "fcgi/connection.h"

#include <array>
#include <cerrno>
#include <exception>

#include <sys/socket.h>

#include "http/problem.h"
#include "telemetry/task_failures.h"

namespace sluice::fcgi {
namespace {

constexpr std::size_t kReadBytes = 65536;

}  // namespace

Connection::Connection(const Context& context, UniqueFd socket)
    : context_(context),
      socket_(std::move(socket)),
      last_progress_(context.loop.now()),
      scanner_(context.bounds),
      readiness_(std::make_unique<loop::Readiness>(
          context.loop, socket_.get(), [this](loop::Readiness::Events ready) { on_ready(ready); })),
      tasks_([this](std::string_view name, std::string_view what) { on_failed_task(name, what); }) {
}

Result<void> Connection::begin() {
  return readiness_->watch(loop::Readiness::kRead);
}

void Connection::drain() {
  draining_ = true;
  if (idle()) close();
}

void Connection::close_if_stalled(loop::Milliseconds since) {
  const bool waiting = state_ == State::kWriting || (state_ == State::kReading && !idle());
  if (waiting && last_progress_ < since) close();
}

void Connection::on_ready(loop::Readiness::Events ready) {
  last_progress_ = context_.loop.now();
  if (state_ == State::kWriting) return write();
  if ((ready & loop::Readiness::kRead) != 0) read();
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
  if (size <= 0) return close();
  take_request({buffer.data(), static_cast<std::size_t>(size)});
}

void Connection::take_request(std::string_view bytes) {
  const auto verdict = scanner_.feed(bytes);
  if (verdict == RecordScanner::Verdict::kIncomplete) return;
  const bool accepted = verdict == RecordScanner::Verdict::kComplete && bytes.empty() &&
                        exchange_.begin(scanner_.records(), scanner_.body_too_large());
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
  } catch (const std::exception& exception) {
    response = on_failed_handler(exception.what());
  } catch (...) {
    response = on_failed_handler("an exception of no known type");
  }
  outgoing_ = exchange_.finish(response);
  scanner_.reset();
  state_ = State::kWriting;
  last_progress_ = context_.loop.now();  // the peer was not asked for anything before
  write();
}

http::Response Connection::on_failed_handler(std::string_view what) {
  context_.log.error("handler failed", {{"reason", what}});
  return http::problem(Error{ErrorCode::kInternal});
}

void Connection::write() {
  if (peer_gone_) return close();
  const ssize_t sent = ::send(socket_.get(), outgoing_.data(), outgoing_.size(), MSG_NOSIGNAL);
  if (sent < 0 && errno != EAGAIN && errno != EINTR) return close();
  if (sent > 0) outgoing_.erase(0, static_cast<std::size_t>(sent));
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
