// The loop of nginx's worker: the third implementation of loop/loop.h. nginx runs it, so there is
// no run(), no stop() and no Signal.
//
// Sockets are watched level-triggered, as the seam asks for, though nginx's own are not. Timers are
// cancelable: none of them keeps a worker that exits. What must, the deadline of a request that
// waits, is the module's own.
#include "loop/loop.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "nginx/module/loop_impl.h"

namespace sluice::loop {

struct BeforeWait::Impl {
  Loop::Impl& loop;
  Callback callback;
};

Loop::Impl::Impl() {
  turn_.data = this;
  turn_.log = ngx_cycle->log;
  turn_.handler = [](ngx_event_t* event) { static_cast<Impl*>(event->data)->end_turn(); };
}

Loop::Impl::~Impl() {
  if (turn_.posted) {
    ngx_delete_posted_event(&turn_);
  }
}

// Posted events come after all that was ready, and after timers.
void Loop::Impl::entered() {
  if (turn_.posted) return;
  ngx_post_event(&turn_, &ngx_posted_events);
}

void Loop::Impl::end(std::shared_ptr<void> handle) {
  ended_.push_back(std::move(handle));
  entered();
}

void Loop::Impl::end_turn() {
  // By index, as there may be more of them.
  for (std::size_t i = 0; i < flushes.size(); ++i) {  // NOLINT(modernize-loop-convert)
    if (flushes[i]) flushes[i]->callback();
  }
  std::erase(flushes, nullptr);
  std::exchange(ended_, {}).clear();
}

Loop::Loop() : impl_(std::make_unique<Impl>()) {}

Loop::~Loop() = default;

Milliseconds Loop::now() const {
  return Milliseconds(static_cast<std::int64_t>(ngx_current_msec));
}

// It has a connection of nginx's while it watches. The descriptor stays its owner's.
struct Readiness::Impl {
  Loop::Impl& loop;
  int fd;
  std::function<void(Events)> callback;
  Events wanted = kNone;
  ngx_connection_t* connection = nullptr;

  static void on_read(ngx_event_t* event) { tell(event, kRead); }
  static void on_write(ngx_event_t* event) { tell(event, kWrite); }

  static void tell(ngx_event_t* event, Events ready) {
    const auto* connection = static_cast<ngx_connection_t*>(event->data);
    Impl& impl = *static_cast<Impl*>(connection->data);
    if ((impl.wanted & ready) == 0) return;
    impl.loop.entered();
    impl.callback(ready);
  }

  [[nodiscard]] bool open() {
    if (connection) return true;
    connection = ngx_get_connection(fd, ngx_cycle->log);
    if (!connection) {
      errno = EMFILE;
      return false;
    }
    connection->data = this;
    connection->read->log = ngx_cycle->log;
    connection->write->log = ngx_cycle->log;
    connection->read->handler = on_read;
    connection->write->handler = on_write;
    return true;
  }

  void close() {
    if (!connection) return;
    for (ngx_event_t* event : {connection->read, connection->write}) {
      if (event->posted) {
        ngx_delete_posted_event(event);
      }
    }
    static_cast<void>(set(connection->read, NGX_READ_EVENT, false));
    static_cast<void>(set(connection->write, NGX_WRITE_EVENT, false));
    ngx_free_connection(connection);
    connection->fd = static_cast<ngx_socket_t>(-1);
    connection = nullptr;
  }

  [[nodiscard]] static bool set(ngx_event_t* event, ngx_int_t which, bool on) {
    if (on == (event->active != 0)) return true;
    if (on) return ngx_add_event(event, which, NGX_LEVEL_EVENT) == NGX_OK;
    return ngx_del_event(event, which, 0) == NGX_OK;
  }

  [[nodiscard]] bool set(Events events) const {
    return set(connection->read, NGX_READ_EVENT, (events & kRead) != 0) &&
           set(connection->write, NGX_WRITE_EVENT, (events & kWrite) != 0);
  }
};

Readiness::Readiness(Loop& loop, int fd, std::function<void(Events)> on_ready)
    : impl_(new Impl{loop.impl(), fd, std::move(on_ready)}) {}

Readiness::~Readiness() {
  impl_->wanted = kNone;
  impl_->close();
  impl_->loop.end(std::shared_ptr<Impl>(impl_));
}

Result<void> Readiness::watch(Events wanted) {
  const Events before = std::exchange(impl_->wanted, wanted);
  if (wanted == before) return {};
  if (wanted == kNone) {
    impl_->close();
    return {};
  }
  if (impl_->open() && impl_->set(wanted)) return {};
  const int reason = errno;
  impl_->wanted = before;
  if (before == kNone) {
    impl_->close();
  } else {
    static_cast<void>(impl_->set(before));
  }
  return fail(ErrorCode::kSystem, std::strerror(reason));
}

struct Timer::Impl {
  Loop::Impl& loop;
  Callback callback;
  ngx_event_t event{};
  ngx_msec_t repeat = 0;

  static void on_time(ngx_event_t* event) {
    Impl& impl = *static_cast<Impl*>(event->data);
    if (impl.repeat > 0) ngx_event_add_timer(event, impl.repeat);
    impl.loop.entered();
    impl.callback();
  }
};

Timer::Timer(Loop& loop, Callback on_time) : impl_(new Impl{loop.impl(), std::move(on_time)}) {
  impl_->event.data = impl_;
  impl_->event.log = ngx_cycle->log;
  impl_->event.handler = Impl::on_time;
  impl_->event.cancelable = 1;
}

Timer::~Timer() {
  stop();
  impl_->loop.end(std::shared_ptr<Impl>(impl_));
}

// nginx leaves a timer that is set as it is, where the new time is near to the old.
void Timer::start(Milliseconds delay, Milliseconds repeat) {
  stop();
  impl_->repeat = static_cast<ngx_msec_t>(repeat.count());
  ngx_event_add_timer(&impl_->event, static_cast<ngx_msec_t>(delay.count()));
}

void Timer::stop() {
  if (impl_->event.timer_set) ngx_event_del_timer(&impl_->event);
}

BeforeWait::BeforeWait(Loop& loop, Callback flush)
    : impl_(new Impl{loop.impl(), std::move(flush)}) {
  impl_->loop.flushes.push_back(impl_);
}

BeforeWait::~BeforeWait() {
  auto& flushes = impl_->loop.flushes;
  *std::find(flushes.begin(), flushes.end(), impl_) = nullptr;
  impl_->loop.end(std::shared_ptr<Impl>(impl_));
}

}  // namespace sluice::loop
