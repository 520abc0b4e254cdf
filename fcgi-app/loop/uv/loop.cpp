// The loop of a worker, by libuv: what it holds, timers, signals and look-ups.
#include "loop/loop.h"

#include <cerrno>
#include <cstdlib>
#include <utility>

#include <fmt/format.h>
#include <sys/epoll.h>
#include <uv.h>

#include "loop/addresses.h"
#include "loop/uv/look_up_left.h"
#include "loop/uv/loop_impl.h"

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

// libuv calls abort() where it cannot make the threads of its pool, which it does once, when it is
// first asked for something. One is enough here, as there is one look-up at a time.
bool can_make_thread() {
  ::setenv("UV_THREADPOOL_SIZE", "1", 0);
  uv_thread_t thread{};
  if (uv_thread_create(
          &thread, [](void*) {}, nullptr) != 0) {
    return false;
  }
  uv_thread_join(&thread);
  return true;
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

Loop::Loop() : impl_(std::make_unique<Impl>()) {
  must(uv_loop_init(&impl_->loop), "event loop");
  impl_->epoll = UniqueFd(::epoll_create1(EPOLL_CLOEXEC));
  const bool works =
      impl_->epoll && impl_->control(EPOLL_CTL_ADD, uv_backend_fd(&impl_->loop), EPOLLIN) == 0;
  must(works ? 0 : uv_translate_sys_error(errno), "event loop");
}

Loop::~Loop() {
  // Frees what was closed in the last turn.
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
  while (!impl_->stopped && impl_->is_alive()) impl_->turn();
  impl_->stopped = false;
}

void Loop::stop() {
  impl_->stopped = true;
}

Milliseconds Loop::now() const {
  return Milliseconds(static_cast<std::int64_t>(uv_now(&impl_->loop)));
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

// Of a look-up that is on its way this is libuv's, whose on_done() frees it, though its owner may
// be gone by then. Otherwise it is the owner's.
struct Resolve::Impl {
  uv_getaddrinfo_t request{};
  Resolve* owner;
  Done done;
  std::unique_ptr<Timer> known;  // tells what is known without asking

  Impl(Resolve* resolve, Done function) : owner(resolve), done(std::move(function)) {
    request.data = this;
  }

  static Result<std::vector<SocketAddress>> addresses(int status, const addrinfo* list) {
    if (status != 0) return fail(ErrorCode::kStoreUnavailable, uv_strerror(status));
    return addresses_of(list);
  }

  static void on_done(uv_getaddrinfo_t* request, int status, addrinfo* list) {
    const std::unique_ptr<Impl> impl(static_cast<Impl*>(request->data));
    const std::unique_ptr<addrinfo, decltype(&uv_freeaddrinfo)> release(list, &uv_freeaddrinfo);
    if (!impl->owner) return;  // abandoned
    impl->owner->impl_ = nullptr;
    impl->done(addresses(status, list));
  }
};

Resolve::Resolve(Loop& loop, const std::string& host, int port, Done done)
    : impl_(new Impl(this, std::move(done))) {
  const std::string service = fmt::to_string(port);
  auto found = look_up(host, service, kNumeric);
  if (!found) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    const int status = can_make_thread()
                           ? uv_getaddrinfo(&loop.impl().loop, &impl_->request, &Impl::on_done,
                                            host.c_str(), service.c_str(), &hints)
                           : UV_EAGAIN;
    if (status == 0) return;
    found = Impl::addresses(status, nullptr);
  }
  impl_->known = std::make_unique<Timer>(
      loop, [done = std::move(impl_->done), found = std::move(found)] { done(found); });
  impl_->known->start(Milliseconds::zero());
}

Resolve::~Resolve() {
  if (!impl_) return;
  if (impl_->known) {
    delete impl_;
    return;
  }
  impl_->owner = nullptr;
  uv_cancel(reinterpret_cast<uv_req_t*>(&impl_->request));  // on_done runs all the same
}

}  // namespace sluice::loop
