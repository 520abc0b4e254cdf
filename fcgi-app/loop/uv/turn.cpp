// One turn of the loop, and what it calls itself: Readiness and BeforeWait.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "loop/uv/loop_impl.h"

namespace sluice::loop {

// As epoll_ctl(2).
int Loop::Impl::control(int operation, int fd, std::uint32_t events) const {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  return ::epoll_ctl(epoll.get(), operation, fd, &event);
}

// A callback may create and destroy any handle, so lists are walked by index.
void Loop::Impl::turn() {
  for (std::size_t i = 0; i < flushes.size(); ++i) {  // NOLINT(modernize-loop-convert): it may grow
    if (flushes[i]) flushes[i]->callback();
  }
  wait();
  for (std::size_t i = 0; i < ready_count; ++i) dispatch(ready[i]);
  ready_count = 0;
  // Zero also while libuv has something to set up or to free. It says so when nothing is due, too,
  // if it has no handle at all; then this does nothing.
  if (uv_backend_timeout(&loop) == 0) uv_run(&loop, UV_RUN_NOWAIT);
  ended_watches.clear();
  ended_flushes.clear();
  std::erase(flushes, nullptr);
}

void Loop::Impl::wait() {
  const int limit = stopped ? 0 : uv_is_alive() ? uv_backend_timeout(&loop) : -1;
  const int count = ::epoll_wait(epoll.get(), ready.data(), static_cast<int>(ready.size()), limit);
  ready_count = static_cast<std::size_t>(std::max(count, 0));  // less than 0: a signal came
  uv_update_time(&loop);
}

void Loop::Impl::dispatch(const epoll_event& event) {
  if (event.data.fd < 0) return;
  if (event.data.fd == uv_backend_fd(&loop)) {
    uv_run(&loop, UV_RUN_NOWAIT);
    return;
  }
  unsigned seen = Readiness::kNone;
  if ((event.events & EPOLLIN) != 0) seen |= Readiness::kRead;
  if ((event.events & EPOLLOUT) != 0) seen |= Readiness::kWrite;
  // What came before a hang-up is read first.
  if ((event.events & EPOLLERR) != 0 || seen == Readiness::kNone) seen = Readiness::kReadWrite;
  Readiness::Impl* const watch = watches[static_cast<std::size_t>(event.data.fd)];
  if (watch) watch->callback(static_cast<Readiness::Events>(seen));
}

void Loop::Impl::remember(Readiness::Impl& watch) {
  const auto index = static_cast<std::size_t>(watch.fd);
  if (index >= watches.size()) watches.resize(index + 1);
  watches[index] = &watch;
  ++watching;
}

// The descriptor may be closed, and its number be another socket's, before this turn is over.
void Loop::Impl::forget(int fd) {
  watches[static_cast<std::size_t>(fd)] = nullptr;
  --watching;
  for (std::size_t i = 0; i < ready_count; ++i) {
    if (ready[i].data.fd == fd) ready[i].data.fd = -1;
  }
}

Readiness::Readiness(Loop& loop, int fd, std::function<void(Events)> on_ready)
    : impl_(new Impl{loop.impl(), fd, std::move(on_ready)}) {}

Readiness::~Readiness() {
  static_cast<void>(watch(kNone));
  impl_->loop.ended_watches.emplace_back(impl_);
}

Result<void> Readiness::watch(Events wanted) {
  const Events before = std::exchange(impl_->wanted, wanted);
  if (wanted == before) return {};
  Loop::Impl& loop = impl_->loop;
  if (wanted == kNone) {
    loop.forget(impl_->fd);
    static_cast<void>(loop.control(EPOLL_CTL_DEL, impl_->fd, 0));
    return {};
  }
  const std::uint32_t events =
      ((wanted & kRead) != 0 ? EPOLLIN : 0U) | ((wanted & kWrite) != 0 ? EPOLLOUT : 0U);
  if (loop.control(before == kNone ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, impl_->fd, events) != 0) {
    impl_->wanted = before;
    return fail(ErrorCode::kSystem, std::strerror(errno));
  }
  if (before == kNone) loop.remember(*impl_);
  return {};
}

BeforeWait::BeforeWait(Loop& loop, Callback flush)
    : impl_(new Impl{loop.impl(), std::move(flush)}) {
  impl_->loop.flushes.push_back(impl_);
}

BeforeWait::~BeforeWait() {
  Loop::Impl& loop = impl_->loop;
  *std::find(loop.flushes.begin(), loop.flushes.end(), impl_) = nullptr;
  loop.ended_flushes.emplace_back(impl_);
}

}  // namespace sluice::loop
