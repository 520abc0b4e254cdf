// The seam between the core and the event loop of its host: all that the core asks of a loop. This
// is the contract alone. A program links one implementation of it; loop/uv is the worker's.
//
// One thread, one loop. A callback runs on the loop's thread, may create, change and destroy any
// handle (its own too), must not block, and lets no exception out but std::bad_alloc. Handles are
// plain members: destroying one ends its callbacks at once. The loop outlives its handles.
//
// An implementation defines every Impl and all functions. It sees to it that
// - a callback comes from the loop, never from within a constructor or a function of a handle;
// - a callback that destroys its own handle still has what it captured, until it returns;
// - no event reaches a handle that was destroyed in this turn, nor another of its descriptor;
// - the time is read after each wait, before the callbacks, and timers are due by it.
// For a host that runs a loop of its own it leaves out run(), stop() and Signal: the core uses none
// of them.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"

namespace sluice::loop {

using Milliseconds = std::chrono::milliseconds;
using Callback = std::function<void()>;

class Loop {
 public:
  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Dispatches events until stop(), or until no handle is active.
  void run();
  // Makes run() return after the current turn.
  void stop();

  // Monotonic, in milliseconds; read once a turn, so cheap.
  [[nodiscard]] Milliseconds now() const;

  struct Impl;
  [[nodiscard]] Impl& impl() { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

// Reports when a file descriptor can be read or written; a hang-up or an error counts as both.
class Readiness {
 public:
  enum Events : unsigned { kNone = 0, kRead = 1, kWrite = 2, kReadWrite = 3 };

  // REQUIRES: fd is open, non-blocking, and watched by nothing else; destroy before closing it.
  Readiness(Loop& loop, int fd, std::function<void(Events ready)> on_ready);
  ~Readiness();
  Readiness(const Readiness&) = delete;
  Readiness& operator=(const Readiness&) = delete;

  // Watches for `wanted` from now on; kNone pauses, and never fails. Free when nothing changes.
  // What is ready is told again each turn until it was read or written.
  // Error: kSystem when the kernel refuses, for want of memory or of user watches; then it watches
  // for what it did before.
  [[nodiscard]] Result<void> watch(Events wanted);

  struct Impl;

 private:
  Impl* impl_;  // freed by the loop, as are those below, when no callback of it runs
};

class Timer {
 public:
  Timer(Loop& loop, Callback on_time);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // Fires once after `delay`, and then every `repeat` where that is above zero; replaces what was
  // set before.
  void start(Milliseconds delay, Milliseconds repeat = Milliseconds::zero());
  void stop();

  struct Impl;

 private:
  Impl* impl_;
};

class Signal {
 public:
  Signal(Loop& loop, int number, Callback on_signal);
  ~Signal();
  Signal(const Signal&) = delete;
  Signal& operator=(const Signal&) = delete;

  struct Impl;

 private:
  Impl* impl_;
};

// Runs once a turn, after the callbacks of the turn and before the loop waits: the place to flush.
// A loop may leave out a turn in which nothing of the core ran: then there is nothing to flush.
class BeforeWait {
 public:
  BeforeWait(Loop& loop, Callback flush);
  ~BeforeWait();
  BeforeWait(const BeforeWait&) = delete;
  BeforeWait& operator=(const BeforeWait&) = delete;

  struct Impl;

 private:
  Impl* impl_;
};

// A socket address, ready for connect(2).
struct SocketAddress {
  std::string bytes;  // a struct sockaddr
  int family = 0;
};

// Looks up a host without blocking the loop. What is an address already is asked of nobody.
class Resolve {
 public:
  // Called once, from the loop. Error: kStoreUnavailable, with the reason; of a name that no
  // resolver could be asked for, too.
  using Done = std::function<void(Result<std::vector<SocketAddress>>)>;
  Resolve(Loop& loop, const std::string& host, int port, Done done);
  // Ends the look-up as far as the loop can; `done` is not called any more.
  ~Resolve();
  Resolve(const Resolve&) = delete;
  Resolve& operator=(const Resolve&) = delete;

  struct Impl;

 private:
  Impl* impl_;
};

}  // namespace sluice::loop
