// The way to a Redis that comes and goes: connects, logs in, loads the script, and begins again
// whenever the wire goes down.
//
// A wire that was ready and is lost with nothing on its way is no outage: it is opened again at
// once, and what is decided meanwhile waits for it. Where that fails, or a command was lost, the
// store is known to be down: until a wire is ready, after growing pauses, a command fails at once,
// so an outage costs a request nothing but its answer.
#pragma once

#include <coroutine>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/linked_list.h"
#include "base/task_group.h"
#include "redis/endpoints.h"
#include "redis/eviction_log.h"
#include "redis/outage_log.h"
#include "redis/script.h"
#include "redis/uri.h"
#include "redis/wire.h"
#include "telemetry/counters.h"
#include "telemetry/log.h"

namespace sluice::redis {

class Link {
 public:
  struct Options {
    Uri uri;
    std::shared_ptr<const TlsContext> tls;  // of uri.tls, where that is set
    Wire::Options wire;
    loop::Milliseconds backoff_min{50};    // the first pause before connecting again; doubled
    loop::Milliseconds backoff_max{1000};  // each time up to this, less up to a half at random
    // Without a word from Redis it is asked for one, so that a wire that was cut in silence is
    // found by no request, and nobody between takes it for idle.
    loop::Milliseconds ask_when_idle{15'000};
    telemetry::Counters* counters = nullptr;  // of what goes wrong, and of calls
  };

  // Starts connecting. `script` is loaded by every new wire before it counts as ready. `loop`,
  // `log` and the counters outlive the link.
  Link(loop::Loop& loop, telemetry::Log& log, Options options, const Script& script);
  ~Link() = default;
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  // The wire to send commands on; nullptr while none is ready.
  [[nodiscard]] Wire* wire() { return state_ == State::kReady ? wire_.get() : nullptr; }
  // Whether the store is known to be down: no command need be tried.
  [[nodiscard]] bool is_down() const { return state_ == State::kDown; }
  // The deadline, in the loop's time, of a command that is wanted now.
  [[nodiscard]] loop::Milliseconds deadline() const {
    return loop_.now() + options_.wire.command_timeout;
  }
  // co_await opened(deadline): the wire, once it is ready; nullptr if the store is down, or it is
  // not ready by `deadline`. REQUIRES: the link outlives whoever waits.
  class Opened : public Linked {
   public:
    Opened(Link& link, loop::Milliseconds deadline) : link_(link), deadline_(deadline) {}
    ~Opened() {
      if (place_) link_.waiting_.erase(*place_);
    }
    Opened(const Opened&) = delete;
    Opened& operator=(const Opened&) = delete;
    [[nodiscard]] bool await_ready() const { return !link_.is_worth_waiting(); }
    void await_suspend(std::coroutine_handle<> waiting) {
      waiting_ = waiting;
      place_ = link_.wait(*this);
    }
    [[nodiscard]] Wire* await_resume() const { return link_.wire(); }

   private:
    friend class Link;
    Link& link_;
    loop::Milliseconds deadline_;
    std::coroutine_handle<> waiting_;
    std::optional<std::multimap<loop::Milliseconds, Opened*>::iterator> place_;  // while it waits
  };
  [[nodiscard]] Opened opened(loop::Milliseconds deadline) { return {*this, deadline}; }

  // Redis's time, as of its last word on it; the host's before the first.
  [[nodiscard]] const Clock& clock() const { return clock_; }
  void learn_time(TimePoint now) { clock_.learn(now); }

  [[nodiscard]] const Script& script() const { return script_; }

  // Calls back once, from the loop, when the first attempt has ended, well or not, or has taken as
  // long as connecting and one command may.
  void when_settled(loop::Callback callback) { on_settled_ = std::move(callback); }

  // Gives up the present wire, because its server cannot serve, and connects anew after a pause.
  // What waits fails now.
  void drop(const std::string& why);

  // What a command has shown: that the server serves, or that it answers and refuses to. Being
  // connected proves nothing.
  void report_serving();
  void report_refusing(std::string_view why) { outage_.fails(why, loop_.now()); }
  // A decision was refused for want of the store.
  void report_refused();
  // For who wants to count; nullptr where nobody does.
  [[nodiscard]] telemetry::Counters* counters() const { return options_.counters; }
  void count(telemetry::StoreFault fault) const;
  // Why the store does not serve, in words that tell no password, some of them those of whoever is
  // at the store's address; empty while it does.
  [[nodiscard]] const std::string& trouble() const { return outage_.reason(); }

 private:
  enum class State {
    kOpening,  // for the first time, or after a wire was lost that nobody needed
    kReady,
    kDown,  // known to be; tries go on
  };

  void connect();
  void connect_next();
  void on_ready();
  void on_lost(const Wire::End& end, std::size_t unanswered);
  void reopen();
  void on_failed(const Wire::End& end);
  void on_idle();
  void settle();
  [[nodiscard]] bool is_worth_waiting() const;
  std::multimap<loop::Milliseconds, Opened*>::iterator wait(Opened& opened);
  void resume_waiting(loop::Milliseconds due);
  [[nodiscard]] Task<void> log_in();
  void on_failed_task(std::string_view name, std::string_view what);
  [[nodiscard]] Task<void> ask_time();
  [[nodiscard]] Task<void> ask_memory();
  [[nodiscard]] Task<Result<Reply>> ask_aside(Arguments arguments);

  loop::Loop& loop_;
  telemetry::Log& log_;
  Options options_;
  Script script_;
  OutageLog outage_;
  EvictionLog eviction_;
  UnsetClock host_clock_;
  ShiftedClock clock_{host_clock_};
  State state_ = State::kOpening;
  loop::Callback on_settled_;
  std::multimap<loop::Milliseconds, Opened*> waiting_;  // by deadline
  Endpoints host_;
  std::vector<loop::SocketAddress> addresses_;  // still to be tried in this attempt
  std::string failures_;                        // of those that were, for the log
  std::size_t asked_aside_ = 0;  // commands on the wire that nobody's answer depends on
  std::unique_ptr<Wire> wire_;
  std::optional<loop::Milliseconds> reopened_at_;
  loop::Milliseconds backoff_;
  std::minstd_rand random_;
  loop::Timer retry_;
  loop::Timer settle_by_;
  loop::Timer overdue_;  // of what waits
  loop::Timer idle_;
  TaskGroup tasks_;
};

}  // namespace sluice::redis
