// A second implementation of loop/loop.h, on epoll(7) alone. It shows that the core needs no more
// of a host than that header says. It looks up addresses, but no names, and has no Signal.
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <utility>

#include <fmt/format.h>
#include <sys/epoll.h>

#include "base/unique_fd.h"
#include "loop/addresses.h"
#include "loop/loop.h"

namespace sluice::loop {
namespace {

Milliseconds read_clock() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<Milliseconds>(now);
}

}  // namespace

struct Readiness::Impl {
  Loop::Impl& loop;
  std::uint64_t number;
  int fd;
  std::function<void(Events)> callback;
  Events wanted = kNone;
};

struct Timer::Impl {
  Loop::Impl& loop;
  Callback callback;
  Milliseconds repeat{};
};

struct BeforeWait::Impl {
  Loop::Impl& loop;
  Callback callback;
};

struct Loop::Impl {
  UniqueFd epoll{::epoll_create1(EPOLL_CLOEXEC)};
  Milliseconds now = read_clock();
  bool stopped = false;
  std::uint64_t last_number = 0;
  std::map<std::uint64_t, Readiness::Impl*> watches;  // by numbers that are never used again
  std::multimap<Milliseconds, Timer::Impl*> timers;   // by when they are due
  std::vector<BeforeWait::Impl*> flushes;             // null: destroyed in this turn
  std::vector<std::shared_ptr<void>> ended;           // destroyed in this turn, freed at its end

  void turn() {
    // By index, as there may be more of them.
    for (std::size_t i = 0; i < flushes.size(); ++i) {  // NOLINT(modernize-loop-convert)
      if (flushes[i]) flushes[i]->callback();
    }
    std::array<epoll_event, 64> ready{};
    const int count = ::epoll_wait(epoll.get(), ready.data(), ready.size(), patience());
    now = read_clock();
    for (int i = 0; i < count; ++i) dispatch(ready.at(static_cast<std::size_t>(i)));
    while (!timers.empty() && timers.begin()->first <= now) {
      Timer::Impl& timer = *timers.extract(timers.begin()).mapped();
      if (timer.repeat.count() > 0) timers.emplace(now + timer.repeat, &timer);
      timer.callback();
    }
    std::erase(flushes, nullptr);
    std::exchange(ended, {}).clear();
  }

  // How long to wait, as epoll_wait(2) takes it.
  [[nodiscard]] int patience() const {
    if (timers.empty() && !stopped) return -1;
    const Milliseconds left = stopped ? Milliseconds() : timers.begin()->first - read_clock();
    return static_cast<int>(std::max(left, Milliseconds()).count());
  }

  void dispatch(const epoll_event& event) {
    const auto found = watches.find(event.data.u64);
    if (found == watches.end()) return;  // destroyed, or paused, in this turn
    unsigned seen = Readiness::kNone;
    if ((event.events & EPOLLIN) != 0) seen |= Readiness::kRead;
    if ((event.events & EPOLLOUT) != 0) seen |= Readiness::kWrite;
    if ((event.events & EPOLLERR) != 0 || seen == Readiness::kNone) seen = Readiness::kReadWrite;
    found->second->callback(static_cast<Readiness::Events>(seen));
  }
};

Loop::Loop() : impl_(std::make_unique<Impl>()) {}

Loop::~Loop() = default;

void Loop::run() {
  const auto is_alive = [this] {
    return !impl_->watches.empty() || !impl_->timers.empty() || !impl_->flushes.empty();
  };
  while (!impl_->stopped && is_alive()) impl_->turn();
  impl_->stopped = false;
}

void Loop::stop() {
  impl_->stopped = true;
}

Milliseconds Loop::now() const {
  return impl_->now;
}

Readiness::Readiness(Loop& loop, int fd, std::function<void(Events)> on_ready)
    : impl_(new Impl{loop.impl(), ++loop.impl().last_number, fd, std::move(on_ready)}) {}

Readiness::~Readiness() {
  static_cast<void>(watch(kNone));
  impl_->loop.ended.push_back(std::shared_ptr<Impl>(impl_));
}

Result<void> Readiness::watch(Events wanted) {
  const Events before = std::exchange(impl_->wanted, wanted);
  if (wanted == before) return {};
  Loop::Impl& loop = impl_->loop;
  epoll_event event{};
  event.data.u64 = impl_->number;
  if (wanted == kNone) {
    loop.watches.erase(impl_->number);
    ::epoll_ctl(loop.epoll.get(), EPOLL_CTL_DEL, impl_->fd, &event);
    return {};
  }
  event.events = ((wanted & kRead) != 0 ? EPOLLIN : 0U) | ((wanted & kWrite) != 0 ? EPOLLOUT : 0U);
  const int operation = before == kNone ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
  if (::epoll_ctl(loop.epoll.get(), operation, impl_->fd, &event) != 0) {
    impl_->wanted = before;
    return fail(ErrorCode::kSystem, std::strerror(errno));
  }
  loop.watches.emplace(impl_->number, impl_);
  return {};
}

Timer::Timer(Loop& loop, Callback on_time) : impl_(new Impl{loop.impl(), std::move(on_time)}) {}

Timer::~Timer() {
  stop();
  impl_->loop.ended.push_back(std::shared_ptr<Impl>(impl_));
}

void Timer::start(Milliseconds delay, Milliseconds repeat) {
  stop();
  impl_->repeat = repeat;
  impl_->loop.timers.emplace(impl_->loop.now + delay, impl_);
}

void Timer::stop() {
  std::erase_if(impl_->loop.timers, [this](const auto& set) { return set.second == impl_; });
}

BeforeWait::BeforeWait(Loop& loop, Callback flush)
    : impl_(new Impl{loop.impl(), std::move(flush)}) {
  impl_->loop.flushes.push_back(impl_);
}

BeforeWait::~BeforeWait() {
  auto& flushes = impl_->loop.flushes;
  *std::find(flushes.begin(), flushes.end(), impl_) = nullptr;
  impl_->loop.ended.push_back(std::shared_ptr<Impl>(impl_));
}

struct Resolve::Impl {
  Timer told;
};

Resolve::Resolve(Loop& loop, const std::string& host, int port, Done done) {
  auto found = look_up(host, fmt::to_string(port), kNumeric);
  if (!found) found = fail(ErrorCode::kStoreUnavailable, "this loop looks up no names");
  impl_ = new Impl{Timer(loop, [done = std::move(done), found] { done(found); })};
  impl_->told.start(Milliseconds::zero());
}

Resolve::~Resolve() {
  delete impl_;
}

}  // namespace sluice::loop
