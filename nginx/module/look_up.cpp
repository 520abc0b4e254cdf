// Look-ups of names beside nginx's loop: getaddrinfo(3) waits, so it waits in a thread of its own.
// nginx's resolver is not asked: it needs a directive, and knows no /etc/hosts.
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/unique_fd.h"
#include "loop/addresses.h"
#include "loop/loop.h"

namespace sluice::loop {
namespace {

using Found = Result<std::vector<SocketAddress>>;

constexpr std::size_t kLongestName = 253;

// Whether a name server could know it: others are not asked for.
bool is_name(const std::string& host) {
  return host.size() <= kLongestName &&
         std::all_of(host.begin(), host.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

// What the thread and its owner share; whoever of the two goes last frees it.
struct Question {
  std::string host;
  std::string port;
  UniqueFd answered{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  std::mutex guards{};
  std::optional<Found> found{};

  [[nodiscard]] Found take() {
    const std::scoped_lock lock(guards);
    return found.value_or(fail(ErrorCode::kStoreUnavailable, "out of memory"));
  }
};

void* ask(void* shared) {
  const std::unique_ptr<std::shared_ptr<Question>> mine(
      static_cast<std::shared_ptr<Question>*>(shared));
  Question& question = **mine;
  try {
    auto found = look_up(question.host, question.port, 0);
    const std::scoped_lock lock(question.guards);
    question.found = std::move(found);
  } catch (...) {  // no memory: its owner hears that there is no answer
  }
  static_cast<void>(::eventfd_write(question.answered.get(), 1));
  return nullptr;
}

// Signals are nginx's, and for its own thread.
bool start_thread(const std::shared_ptr<Question>& question) {
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  auto shared = std::make_unique<std::shared_ptr<Question>>(question);
  pthread_t thread{};
  const bool started = ::pthread_create(&thread, nullptr, ask, shared.get()) == 0;
  if (started) {
    static_cast<void>(shared.release());
    ::pthread_detach(thread);
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return started;
}

}  // namespace

struct Resolve::Impl {
  std::shared_ptr<Question> question{};
  std::unique_ptr<Readiness> answered{};
  std::unique_ptr<Timer> known{};  // tells what is known without asking
};

Resolve::Resolve(Loop& loop, const std::string& host, int port, Done done) : impl_(new Impl{}) {
  const std::string service = fmt::to_string(port);
  auto found = look_up(host, service, kNumeric);
  if (!found && is_name(host)) {
    const auto question = std::make_shared<Question>();
    question->host = host;
    question->port = service;
    impl_->answered = std::make_unique<Readiness>(
        loop, question->answered.get(), [this, question, done](Readiness::Events /*ready*/) {
          static_cast<void>(impl_->answered->watch(Readiness::kNone));
          done(question->take());
        });
    if (impl_->answered->watch(Readiness::kRead) && start_thread(question)) return;
    impl_->answered.reset();
    found = fail(ErrorCode::kStoreUnavailable, "no thread, or no descriptor, for a look-up");
  }
  impl_->known = std::make_unique<Timer>(loop, [done = std::move(done), found] { done(found); });
  impl_->known->start(Milliseconds::zero());
}

// A thread that is still asked goes on, and nobody hears of it.
Resolve::~Resolve() {
  delete impl_;
}

}  // namespace sluice::loop
