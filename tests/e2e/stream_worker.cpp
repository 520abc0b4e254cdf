// A worker of the server that Sluice's workers have, whose answers come in pieces: what
// test_body_streams.py runs behind nginx. It listens on fd 0, and drains on SIGTERM.
//
// A piece is a line: its number, a blank, and bytes that follow from the number. The last one is
// "end" and how many there were.
#include <coroutine>
#include <csignal>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "base/clock.h"
#include "fcgi/listener.h"
#include "fcgi/server.h"
#include "http/problem.h"

namespace sluice {
namespace {

constexpr loop::Milliseconds kDrainDeadline{10'000};  // as of a worker of Sluice

struct Kind {
  std::size_t pieces;
  loop::Milliseconds pause;  // before each piece
  bool fails;                // instead of its end
};

const std::map<std::string_view, Kind> kKinds{
    {"/stream/ticks", {40, loop::Milliseconds(100), false}},
    {"/stream/minute", {600, loop::Milliseconds(100), false}},
    {"/stream/flood", {20'000, loop::Milliseconds(0), false}},
    {"/stream/broken", {3, loop::Milliseconds(20), true}},
    {"/buffered/broken", {3, loop::Milliseconds(0), true}},
};

class Numbers : public http::BodyStream {
 public:
  Numbers(loop::Loop& loop, const Kind& kind) : kind_(kind), timer_(loop, [this] { wake(); }) {}

  Task<Result<std::string>> next() override {
    if (is_over_) co_return std::string();
    if (kind_.pause > loop::Milliseconds::zero() && !is_draining_) co_await Pause{*this};
    if (is_draining_ || number_ == kind_.pieces) {
      if (kind_.fails) co_return fail(ErrorCode::kInternal, "as it was told to");
      is_over_ = true;
      co_return fmt::format("end {}\n", number_);
    }
    const std::size_t number = number_++;
    const auto letter = static_cast<char>('a' + number % 26);
    co_return fmt::format("{} {}\n", number, std::string(number * 37 % 1500, letter));
  }

  void drain() override {
    is_draining_ = true;
    wake();
  }

 private:
  struct Pause {
    explicit Pause(Numbers& the_numbers) : numbers(the_numbers) {}
    ~Pause() { numbers.waiting_ = nullptr; }
    Pause(const Pause&) = delete;
    Pause& operator=(const Pause&) = delete;
    [[nodiscard]] bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> handle) const {
      numbers.waiting_ = handle;
      numbers.timer_.start(numbers.kind_.pause);
    }
    void await_resume() const {}
    Numbers& numbers;
  };

  void wake() {
    if (waiting_) std::exchange(waiting_, nullptr).resume();
  }

  const Kind& kind_;
  std::size_t number_ = 0;
  bool is_over_ = false;
  bool is_draining_ = false;
  std::coroutine_handle<> waiting_;
  loop::Timer timer_;
};

Task<http::Response> answer(loop::Loop& loop, const http::Request& request) {
  const auto kind = kKinds.find(request.path);
  if (kind == kKinds.end()) co_return http::problem(Error{ErrorCode::kNotFound});
  co_return http::Response(200, std::make_unique<Numbers>(loop, kind->second), "text/plain");
}

int complain(const Error& error) {
  fmt::print(stderr, "{}\n", error.detail);
  return 1;
}

int work() {
  // Until the loop hears of it: libfcgi would take it for itself.
  sigset_t stops;
  ::sigemptyset(&stops);
  ::sigaddset(&stops, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &stops, nullptr);
  if (const auto ready = fcgi::initialize_libfcgi(); !ready) return complain(ready.error());
  auto listener = fcgi::inherited_listener();
  if (!listener) return complain(listener.error());
  const SystemClock clock;
  telemetry::Log log(STDERR_FILENO, clock, {});
  loop::Loop loop;
  fcgi::Server server(loop, log, {}, std::move(*listener),
                      [&](const http::Request& request) { return answer(loop, request); });
  loop::Timer deadline(loop, [&] {
    log.error("the drain has not ended in time");
    loop.stop();
  });
  const loop::Signal stop(loop, SIGTERM, [&] {
    deadline.start(kDrainDeadline);
    server.drain([&] { loop.stop(); });
  });
  ::sigprocmask(SIG_UNBLOCK, &stops, nullptr);
  server.start();
  loop.run();
  return 0;
}

}  // namespace
}  // namespace sluice

int main() {
  return sluice::work();
}
