#include "loop/loop.h"

#include <cstdlib>
#include <utility>

#include <fmt/format.h>
#include <netdb.h>
#include <uv.h>

namespace sluice::loop {
namespace {

bool look_up_left = false;

// libuv fails here only on a wrong argument, or when the process is out of memory or descriptors
// at start-up: nothing that a worker could go on from.
void must(int status, const char* what) {
  if (status == 0) return;
  fmt::print(stderr, "sluice: {}: {}\n", what, uv_strerror(status));
  std::abort();
}

// What all handles share: the libuv handle, whose data points back here, and the callback. It
// outlives its owner until libuv lets go, so a callback may destroy its own handle.
template <class Impl, class UvHandle, class Function>
struct HandleImpl {
  UvHandle handle{};
  Function callback;

  explicit HandleImpl(Function function) : callback(std::move(function)) {
    handle.data = static_cast<Impl*>(this);
  }

  static Impl& of(const UvHandle* handle) { return *static_cast<Impl*>(handle->data); }

  // Ends the callbacks now; frees this later.
  void close() {
    uv_close(reinterpret_cast<uv_handle_t*>(&handle),
             [](uv_handle_t* closed) { delete static_cast<Impl*>(closed->data); });
  }
};

}  // namespace

struct Loop::Impl {
  uv_loop_t loop{};
};

Loop::Loop() : impl_(std::make_unique<Impl>()) {
  must(uv_loop_init(&impl_->loop), "event loop");
}

Loop::~Loop() {
  // Frees what was closed in the last turn; a stop() that came after it takes the first run.
  uv_run(&impl_->loop, UV_RUN_NOWAIT);
  uv_run(&impl_->loop, UV_RUN_NOWAIT);
  // A look-up may still run on a thread of libuv's; it goes down with the process.
  if (uv_loop_close(&impl_->loop) != UV_EBUSY) return;
  static_cast<void>(impl_.release());
  look_up_left = true;
}

bool is_look_up_left() {
  return look_up_left;
}

void Loop::run() {
  uv_run(&impl_->loop, UV_RUN_DEFAULT);
}

void Loop::stop() {
  uv_stop(&impl_->loop);
}

Milliseconds Loop::now() const {
  return Milliseconds(static_cast<std::int64_t>(uv_now(&impl_->loop)));
}

struct Readiness::Impl : HandleImpl<Impl, uv_poll_t, std::function<void(Events)>> {
  using HandleImpl::HandleImpl;
  Events wanted = kNone;
};

Readiness::Readiness(Loop& loop, int fd, std::function<void(Events)> on_ready)
    : impl_(new Impl(std::move(on_ready))) {
  must(uv_poll_init(&loop.impl().loop, &impl_->handle, fd), "poll");
}

Readiness::~Readiness() {
  impl_->close();
}

void Readiness::watch(Events wanted) {
  if (wanted == impl_->wanted) return;
  impl_->wanted = wanted;
  if (wanted == kNone) {
    uv_poll_stop(&impl_->handle);
    return;
  }
  const int events =
      ((wanted & kRead) != 0 ? UV_READABLE : 0) | ((wanted & kWrite) != 0 ? UV_WRITABLE : 0);
  must(uv_poll_start(&impl_->handle, events,
                     [](uv_poll_t* handle, int status, int ready) {
                       unsigned seen = status < 0 ? kReadWrite : kNone;
                       if ((ready & UV_READABLE) != 0) seen |= kRead;
                       if ((ready & UV_WRITABLE) != 0) seen |= kWrite;
                       Impl::of(handle).callback(static_cast<Events>(seen));
                     }),
       "poll");
}

struct Timer::Impl : HandleImpl<Impl, uv_timer_t, Callback> {
  using HandleImpl::HandleImpl;
};

Timer::Timer(Loop& loop, Callback on_time) : impl_(new Impl(std::move(on_time))) {
  must(uv_timer_init(&loop.impl().loop, &impl_->handle), "timer");
}

Timer::~Timer() {
  impl_->close();
}

void Timer::start(Milliseconds delay, Milliseconds repeat) {
  must(uv_timer_start(
           &impl_->handle, [](uv_timer_t* handle) { Impl::of(handle).callback(); },
           static_cast<std::uint64_t>(delay.count()), static_cast<std::uint64_t>(repeat.count())),
       "timer");
}

void Timer::stop() {
  uv_timer_stop(&impl_->handle);
}

struct Signal::Impl : HandleImpl<Impl, uv_signal_t, Callback> {
  using HandleImpl::HandleImpl;
};

Signal::Signal(Loop& loop, int number, Callback on_signal) : impl_(new Impl(std::move(on_signal))) {
  must(uv_signal_init(&loop.impl().loop, &impl_->handle), "signal");
  must(uv_signal_start(
           &impl_->handle, [](uv_signal_t* handle, int) { Impl::of(handle).callback(); }, number),
       "signal");
}

Signal::~Signal() {
  impl_->close();
}

struct BeforeWait::Impl : HandleImpl<Impl, uv_prepare_t, Callback> {
  using HandleImpl::HandleImpl;
};

BeforeWait::BeforeWait(Loop& loop, Callback flush) : impl_(new Impl(std::move(flush))) {
  must(uv_prepare_init(&loop.impl().loop, &impl_->handle), "prepare");
  must(uv_prepare_start(&impl_->handle, [](uv_prepare_t* handle) { Impl::of(handle).callback(); }),
       "prepare");
}

BeforeWait::~BeforeWait() {
  impl_->close();
}

struct Resolve::Impl {
  uv_getaddrinfo_t request{};
  Resolve* owner;
  Done done;

  Impl(Resolve* resolve, Done function) : owner(resolve), done(std::move(function)) {
    request.data = this;
  }

  static Result<std::vector<SocketAddress>> addresses(int status, const addrinfo* list) {
    if (status != 0) return fail(ErrorCode::kStoreUnavailable, uv_strerror(status));
    std::vector<SocketAddress> found;
    for (; list; list = list->ai_next) {
      const auto* bytes = reinterpret_cast<const char*>(list->ai_addr);
      found.push_back({std::string(bytes, list->ai_addrlen), list->ai_family});
    }
    return found;
  }

  static void on_done(uv_getaddrinfo_t* request, int status, addrinfo* list) {
    const std::unique_ptr<Impl> impl(static_cast<Impl*>(request->data));
    const std::unique_ptr<addrinfo, decltype(&uv_freeaddrinfo)> release(list, &uv_freeaddrinfo);
    if (!impl->owner) return;  // abandoned
    impl->owner->impl_ = nullptr;
    impl->done(addresses(status, list));
  }
};

Resolve::Resolve(Loop& loop, const std::string& host, int port, Done done) {
  auto impl = std::make_unique<Impl>(this, std::move(done));
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  const int status = uv_getaddrinfo(&loop.impl().loop, &impl->request, &Impl::on_done, host.c_str(),
                                    fmt::to_string(port).c_str(), &hints);
  if (status == 0) {
    impl_ = impl.release();  // on_done() frees it
    return;
  }
  refused_ = std::make_unique<Timer>(
      loop, [done = std::move(impl->done), status] { done(Impl::addresses(status, nullptr)); });
  refused_->start(Milliseconds::zero());
}

Resolve::~Resolve() {
  if (!impl_) return;
  impl_->owner = nullptr;
  uv_cancel(reinterpret_cast<uv_req_t*>(&impl_->request));  // on_done runs all the same
}

}  // namespace sluice::loop
