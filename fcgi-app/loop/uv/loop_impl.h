// What a Loop holds. Of loop/uv alone, the one home of uv.h.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include <sys/epoll.h>
#include <uv.h>

#include "base/unique_fd.h"
#include "loop/loop.h"

namespace sluice::loop {

struct Readiness::Impl {
  Loop::Impl& loop;
  int fd;
  std::function<void(Events)> callback;
  Events wanted = kNone;
};

struct BeforeWait::Impl {
  Loop::Impl& loop;
  Callback callback;
};

// Sockets are watched by an epoll of our own, which holds libuv's as one more descriptor. libuv
// itself calls abort() where the kernel refuses to watch a socket (no memory, max_user_watches);
// here that is an error of this one socket.
struct Loop::Impl {
  uv_loop_t loop{};
  UniqueFd epoll;
  std::array<epoll_event, 256> ready{};  // in this turn; fd -1: forgotten meanwhile
  std::size_t ready_count = 0;
  std::vector<Readiness::Impl*> watches;   // by descriptor; null where nothing is watched
  std::size_t watching = 0;                // how many are not null
  std::vector<BeforeWait::Impl*> flushes;  // null: destroyed in this turn
  // Destroyed in this turn, perhaps in their own callback: freed at its end.
  std::vector<std::unique_ptr<Readiness::Impl>> ended_watches;
  std::vector<std::unique_ptr<BeforeWait::Impl>> ended_flushes;
  bool stopped = false;

  // libuv's own handles: timers, signals, look-ups.
  [[nodiscard]] bool uv_is_alive() const { return uv_loop_alive(&loop) != 0; }
  [[nodiscard]] bool is_alive() const { return uv_is_alive() || watching > 0 || !flushes.empty(); }
  [[nodiscard]] int control(int operation, int fd, std::uint32_t events) const;
  void turn();
  void wait();
  void dispatch(const epoll_event& event);
  void remember(Readiness::Impl& watch);
  void forget(int fd);
};

}  // namespace sluice::loop
