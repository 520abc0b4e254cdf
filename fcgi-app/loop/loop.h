// The event loop of a worker: sockets by epoll, the rest by libuv, whose one home this is.
//
// One thread, one loop. A callback runs on the loop's thread, may create, change and destroy any
// handle (its own too), and must not block. Handles are plain members: destroying one ends its
// callbacks at once. The loop outlives its handles.
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

// Whether a look-up was on its way when its loop went. A thread of libuv's still waits for it, and
// exit() for that thread, for as many seconds as the resolver takes: _exit() does not.
[[nodiscard]] bool is_look_up_left();

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
  // Error: kSystem when the kernel refuses, for want of memory or of user watches; then it watches
  // for what it did before.
  [[nodiscard]] Result<void> watch(Events wanted);

  struct Impl;

 private:
  Impl* impl_;  // freed by the loop, at the end of its turn
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

 private:
  struct Impl;
  Impl* impl_;
};

class Signal {
 public:
  Signal(Loop& loop, int number, Callback on_signal);
  ~Signal();
  Signal(const Signal&) = delete;
  Signal& operator=(const Signal&) = delete;

 private:
  struct Impl;
  Impl* impl_;
};

// Runs once a turn, after the callbacks of the turn and before the loop waits: the place to flush.
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

// Looks up a host without blocking the loop: libuv asks the resolver for a name on a thread of its
// own. What is an address already is asked of nobody.
class Resolve {
 public:
  // Called once, from the loop. Error: kStoreUnavailable, with the reason; of a name that no
  // resolver could be asked for, and where no thread can be made, too.
  using Done = std::function<void(Result<std::vector<SocketAddress>>)>;
  Resolve(Loop& loop, const std::string& host, int port, Done done);
  ~Resolve();
  Resolve(const Resolve&) = delete;
  Resolve& operator=(const Resolve&) = delete;

 private:
  struct Impl;
  Impl* impl_ = nullptr;          // while the look-up is on its way
  std::unique_ptr<Timer> known_;  // tells what is known without asking
};

}  // namespace sluice::loop
