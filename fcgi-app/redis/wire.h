// One socket to Redis, from connect to its first failure; hiredis parses the replies.
//
// A command is appended to the outgoing buffer, which the loop flushes once a turn; replies resume
// the waiting coroutines in order. So one round trip is shared by every request in flight. After
// any time-out or error the socket is closed and never used again: a late reply can reach nobody.
// A coroutine that is destroyed while it waits leaves its place in the order empty: the reply that
// comes for it is dropped.
#pragma once

#include <coroutine>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/linked_list.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "loop/loop.h"
#include "redis/reply.h"
#include "redis/resp_bounds.h"
#include "redis/tls.h"
#include "telemetry/counters.h"

struct redisReader;

namespace sluice::redis {

using Arguments = std::span<const std::string_view>;

class Wire {
 public:
  struct Options {
    loop::Milliseconds connect_timeout{50};   // 1 or more; a TLS handshake included
    loop::Milliseconds command_timeout{100};  // 1 or more: from append to reply
    std::size_t max_pending = 10'000;         // replies to come; one command more is refused
    std::chrono::seconds tcp_keepalive{15};   // without a byte, before the kernel asks
  };
  struct Peer {
    loop::SocketAddress address;
    std::unique_ptr<TlsSession> tls;  // empty: in the clear
  };
  // Why it is closed: in words, and what is counted; nothing where the other side did nothing
  // wrong.
  struct End {
    std::string why;
    std::optional<telemetry::StoreFault> fault = std::nullopt;
  };
  struct Events {
    loop::Callback on_up;  // connected, and by TLS where asked for
    // Closed, with so many commands that somebody waits for and that have no reply yet; the last
    // event of this wire. Those commands fail after it.
    std::function<void(const End& end, std::size_t unanswered)> on_down;
  };

  // Starts connecting. Events come from the loop, never from within the constructor.
  Wire(loop::Loop& loop, Options options, Peer peer, Events events);
  ~Wire();
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  // co_await wire.command(arguments): the reply, or kStoreUnavailable. It has been sent, or will
  // be, also where the coroutine is destroyed meanwhile.
  class Command : public Linked {
   public:
    Command(Wire& wire, Arguments arguments, loop::Milliseconds deadline)
        : wire_(wire), arguments_(arguments), deadline_(deadline) {}
    ~Command() {
      if (waiting_ && !is_linked()) wire_.forget(*this);
    }
    Command(const Command&) = delete;
    Command& operator=(const Command&) = delete;
    [[nodiscard]] bool await_ready() const { return !wire_.accepts(); }
    void await_suspend(std::coroutine_handle<> waiting);
    [[nodiscard]] Result<Reply> await_resume();

   private:
    friend class Wire;
    void resume() { std::exchange(waiting_, nullptr).resume(); }

    Wire& wire_;
    Arguments arguments_;
    std::coroutine_handle<> waiting_;  // while it waits, in pending_ or, in a list, for its failure
    std::uint64_t number_ = 0;         // of its reply, counted from the first on this wire
    loop::Milliseconds deadline_;
    Reply reply_;  // empty: failed
  };
  [[nodiscard]] Command command(Arguments arguments) { return {*this, arguments, deadline()}; }
  // The same, for a reply that must come by `deadline`, in the loop's time.
  [[nodiscard]] Command command(Arguments arguments, loop::Milliseconds deadline) {
    return {*this, arguments, deadline};
  }
  // The deadline of a command that is sent now.
  [[nodiscard]] loop::Milliseconds deadline() const {
    return loop_.now() + options_.command_timeout;
  }

  // Sends what is in the outgoing buffer. The loop does so at the end of each turn; whoever appends
  // to it there does so itself.
  void flush();

  // When bytes came last, in the loop's time; at first, when it began to connect.
  [[nodiscard]] loop::Milliseconds heard_at() const { return heard_at_; }

  // Closes the socket; every waiting command fails. Idempotent.
  void close(const End& end);

 private:
  enum class State { kConnecting, kHandshake, kUp, kClosed };

  [[nodiscard]] bool accepts() const {
    return state_ == State::kUp && pending_.size() < options_.max_pending;
  }
  void on_ready(loop::Readiness::Events ready);
  void on_connected();
  void on_up();
  void on_deadline();
  void set_deadline(loop::Milliseconds at);
  void watch(loop::Readiness::Events wanted);
  void receive();
  [[nodiscard]] std::optional<End> parse(std::string_view bytes);
  void deliver_replies();
  void forget(const Command& command);

  struct ReaderRelease {
    void operator()(redisReader* reader) const;
  };

  loop::Loop& loop_;
  Options options_;
  Events events_;
  State state_ = State::kConnecting;
  UniqueFd socket_;
  int connect_error_ = 0;  // what connect(2) said at once
  RespBounds bounds_;
  std::unique_ptr<redisReader, ReaderRelease> reader_;
  std::unique_ptr<TlsSession> tls_;
  std::string outgoing_;  // commands; with TLS not sealed yet
  // In the order of their replies. Each lives in the frame of the coroutine that awaits it; nullptr
  // stands for one that is gone.
  std::deque<Command*> pending_;
  std::uint64_t reply_number_ = 0;  // of the reply to pending_.front()
  std::unique_ptr<loop::Readiness> readiness_;
  loop::Timer deadline_;  // set until up, and while a command waits; may fire early
  std::optional<loop::Milliseconds> deadline_at_;  // when it fires, while a command waits
  loop::Milliseconds heard_at_;
  loop::BeforeWait before_wait_;
};

}  // namespace sluice::redis
