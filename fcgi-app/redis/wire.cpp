#include "redis/wire.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <hiredis.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "base/append.h"

namespace sluice::redis {

using telemetry::StoreFault;

namespace {

constexpr std::size_t kReadBytes = 65536;
constexpr int kKeepaliveProbes = 3;

// Commands leave at once; and a peer that is gone without a word is found by the kernel too.
void set_up_tcp(int socket, std::chrono::seconds keepalive) {
  const int on = 1;
  const auto seconds = static_cast<int>(keepalive.count());
  const auto unacknowledged = static_cast<unsigned>(loop::Milliseconds(keepalive).count());
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  ::setsockopt(socket, IPPROTO_TCP, TCP_KEEPIDLE, &seconds, sizeof seconds);
  ::setsockopt(socket, IPPROTO_TCP, TCP_KEEPINTVL, &seconds, sizeof seconds);
  ::setsockopt(socket, IPPROTO_TCP, TCP_KEEPCNT, &kKeepaliveProbes, sizeof kKeepaliveProbes);
  ::setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacknowledged, sizeof unacknowledged);
}

// An array of bulk strings, as the Redis serialization protocol has it. hiredis prints each length
// through vfprintf(), which costs a decision a microsecond.
void append_command(std::string& bytes, Arguments arguments) {
  append_number(bytes.append("*"), static_cast<std::int64_t>(arguments.size()));
  bytes.append("\r\n");
  for (const std::string_view argument : arguments) {
    append_number(bytes.append("$"), static_cast<std::int64_t>(argument.size()));
    bytes.append("\r\n").append(argument).append("\r\n");
  }
}

}  // namespace

void Wire::ReaderRelease::operator()(redisReader* reader) const {
  redisReaderFree(reader);
}

Wire::Wire(loop::Loop& loop, Options options, Peer peer, Events events)
    : loop_(loop),
      options_(options),
      events_(std::move(events)),
      socket_(::socket(peer.address.family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)),
      reader_(redisReaderCreate()),
      tls_(std::move(peer.tls)),
      deadline_(loop, [this] { on_deadline(); }),
      heard_at_(loop.now()),
      before_wait_(loop, [this] { flush(); }) {
  if (!socket_) {
    deadline_.start(loop::Milliseconds::zero());  // on_deadline() reports it
    return;
  }
  if (peer.address.family != AF_UNIX) set_up_tcp(socket_.get(), options_.tcp_keepalive);
  // A failure shows as an event too, through SO_ERROR or a writable socket without a peer.
  if (::connect(socket_.get(), reinterpret_cast<const sockaddr*>(peer.address.bytes.data()),
                static_cast<socklen_t>(peer.address.bytes.size())) != 0) {
    connect_error_ = errno;
  }
  readiness_ = std::make_unique<loop::Readiness>(
      loop, socket_.get(), [this](loop::Readiness::Events ready) { on_ready(ready); });
  if (readiness_->watch(loop::Readiness::kWrite)) {
    deadline_.start(options_.connect_timeout);
    return;
  }
  readiness_.reset();  // nobody watches it: as good as no socket
  socket_.reset();
  deadline_.start(loop::Milliseconds::zero());
}

Wire::~Wire() {
  events_ = {};
  close({"destroyed"});
}

void Wire::Command::await_suspend(std::coroutine_handle<> waiting) {
  append_command(wire_.outgoing_, arguments_);
  number_ = wire_.reply_number_ + wire_.pending_.size();
  wire_.pending_.push_back(this);
  waiting_ = waiting;
  if (!wire_.deadline_at_ || deadline_ < *wire_.deadline_at_) wire_.set_deadline(deadline_);
}

Result<Reply> Wire::Command::await_resume() {
  if (!reply_) return fail(ErrorCode::kStoreUnavailable);
  return std::move(reply_);
}

void Wire::close(const End& end) {
  if (state_ == State::kClosed) return;
  state_ = State::kClosed;
  readiness_.reset();
  socket_.reset();
  deadline_.stop();
  outgoing_.clear();
  // A resumed coroutine may come back here; it finds the wire closed and the queue gone. It may
  // also destroy others that wait: they leave this list.
  LinkedList<Command> unanswered;
  std::size_t count = 0;
  for (Command* command : std::exchange(pending_, {})) {
    if (!command) continue;
    unanswered.push_back(*command);
    ++count;
  }
  if (events_.on_down) std::exchange(events_.on_down, nullptr)(end, count);
  while (!unanswered.empty()) unanswered.pop_front().resume();
}

// Nobody waits for the command any more. Its reply comes all the same.
void Wire::forget(const Command& command) {
  pending_.at(command.number_ - reply_number_) = nullptr;
}

void Wire::on_ready(loop::Readiness::Events ready) {
  if (state_ == State::kConnecting) return on_connected();
  if ((ready & loop::Readiness::kWrite) != 0) flush();
  if ((ready & loop::Readiness::kRead) != 0 && state_ != State::kClosed) receive();
}

void Wire::on_connected() {
  int error = 0;
  socklen_t size = sizeof error;
  sockaddr_storage peer{};
  socklen_t peer_size = sizeof peer;
  ::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error == 0 &&
      ::getpeername(socket_.get(), reinterpret_cast<sockaddr*>(&peer), &peer_size) != 0) {
    // A unix socket that failed in connect(2) keeps no SO_ERROR.
    error = connect_error_ != 0 ? connect_error_ : ECONNREFUSED;
  }
  if (error != 0) return close({std::strerror(error), StoreFault::kRefused});
  if (!tls_) return on_up();
  state_ = State::kHandshake;
  flush();
}

void Wire::on_up() {
  state_ = State::kUp;
  deadline_.stop();
  watch(loop::Readiness::kRead);
  if (state_ == State::kUp) events_.on_up();
}

void Wire::on_deadline() {
  if (!socket_) return close({"no socket", StoreFault::kRefused});
  if (state_ == State::kConnecting) return close({"connect timed out", StoreFault::kTimeout});
  if (state_ == State::kHandshake) {
    return close({"TLS handshake timed out", StoreFault::kTimeout});
  }
  receive();  // if it was this process that stood still, the replies are here
  deadline_at_.reset();
  if (state_ != State::kUp) return;
  std::optional<loop::Milliseconds> first;
  for (const Command* command : pending_) {
    if (command && (!first || command->deadline_ < *first)) first = command->deadline_;
  }
  if (!first) return;
  if (*first <= loop_.now()) return close({"command timed out", StoreFault::kTimeout});
  set_deadline(*first);
}

void Wire::set_deadline(loop::Milliseconds at) {
  deadline_at_ = at;
  deadline_.start(std::max(at - loop_.now(), loop::Milliseconds::zero()));
}

void Wire::flush() {
  if (tls_ && state_ == State::kUp) {
    tls_->seal(outgoing_);
    outgoing_.clear();
  }
  std::string& bytes = tls_ ? tls_->outgoing() : outgoing_;
  if (bytes.empty() || state_ == State::kConnecting || state_ == State::kClosed) return;
  const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (sent < 0 && errno != EAGAIN && errno != EINTR) {
    return close({std::strerror(errno), StoreFault::kLost});
  }
  if (sent > 0) bytes.erase(0, static_cast<std::size_t>(sent));
  watch(bytes.empty() ? loop::Readiness::kRead : loop::Readiness::kReadWrite);
}

void Wire::watch(loop::Readiness::Events wanted) {
  if (const auto watched = readiness_->watch(wanted); !watched) {
    close({watched.error().detail, StoreFault::kLost});
  }
}

void Wire::receive() {
  std::array<char, kReadBytes> buffer;  // NOLINT(*-member-init): filled by recv
  for (;;) {
    const ssize_t size = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (size <= 0) {
      return close({size == 0 ? "closed by Redis" : std::strerror(errno), StoreFault::kLost});
    }
    heard_at_ = loop_.now();
    const auto end = parse({buffer.data(), static_cast<std::size_t>(size)});
    deliver_replies();
    if (end) return close(*end);
    if (state_ == State::kClosed || static_cast<std::size_t>(size) < buffer.size()) return;
  }
}

// Through TLS, where there is one, to the parser. What is wrong, if these are the last bytes.
std::optional<Wire::End> Wire::parse(std::string_view bytes) {
  std::string text;
  std::optional<End> end;
  if (tls_) {
    const bool is_new = state_ == State::kHandshake;
    if (auto why = tls_->open(bytes, text)) {
      end = {std::move(*why), is_new ? StoreFault::kRefused : StoreFault::kLost};
    }
    bytes = text;
    if (!end && is_new && tls_->is_up()) on_up();
  }
  if (auto wrong = bounds_.feed(bytes)) return End{std::move(*wrong), StoreFault::kNonsense};
  redisReaderFeed(reader_.get(), bytes.data(), bytes.size());
  return end;
}

void Wire::deliver_replies() {
  while (state_ == State::kUp) {
    void* parsed = nullptr;
    if (redisReaderGetReply(reader_.get(), &parsed) != REDIS_OK) {
      return close({"protocol error", StoreFault::kNonsense});
    }
    Reply reply(static_cast<redisReply*>(parsed));
    if (!reply) return;
    if (pending_.empty()) {
      return close({"a reply that nobody asked for", StoreFault::kNonsense});
    }
    Command* command = pending_.front();
    pending_.pop_front();
    ++reply_number_;
    if (!command) continue;
    command->reply_ = std::move(reply);
    command->resume();
  }
}

}  // namespace sluice::redis
