#include "redis/link.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "redis/log_in.h"
#include "telemetry/task_failures.h"

namespace sluice::redis {

using telemetry::StoreFault;

namespace {

constexpr loop::Milliseconds kForever = loop::Milliseconds::max();

loop::SocketAddress unix_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(static_cast<char*>(address.sun_path), sizeof address.sun_path - 1);
  std::string bytes(sizeof address, '\0');
  std::memcpy(bytes.data(), &address, sizeof address);
  return {std::move(bytes), AF_UNIX};
}

// One more in `count`, as long as this lives.
class Counted {
 public:
  explicit Counted(std::size_t& count) : count_(count) { ++count_; }
  ~Counted() { --count_; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

 private:
  std::size_t& count_;
};

}  // namespace

Link::Link(loop::Loop& loop, telemetry::Log& log, Options options, const Script& script)
    : loop_(loop),
      log_(log),
      options_(std::move(options)),
      script_(script),
      outage_(log, options_.uri.masked()),
      eviction_(log),
      host_(loop,
            {options_.uri.host, options_.uri.port, options_.wire.connect_timeout,
             options_.wire.connect_timeout + options_.wire.command_timeout},
            [this](Result<std::vector<loop::SocketAddress>> found) {
              if (!found) return on_failed({found.error().detail, StoreFault::kRefused});
              addresses_ = std::move(*found);
              connect_next();
            }),
      backoff_(options_.backoff_min),
      random_(static_cast<unsigned>(getpid())),
      retry_(loop, [this] { connect(); }),
      settle_by_(loop, [this] { settle(); }),
      overdue_(loop, [this] { resume_waiting(loop_.now()); }),
      idle_(loop, [this] { on_idle(); }),
      tasks_([this](std::string_view name, std::string_view what) { on_failed_task(name, what); }) {
  retry_.start(loop::Milliseconds::zero());
  settle_by_.start(options_.wire.connect_timeout + options_.wire.command_timeout);
}

void Link::drop(const std::string& why) {
  if (state_ == State::kReady) state_ = State::kDown;
  if (wire_) wire_->close({why});
  resume_waiting(kForever);
}

// The next address of this attempt, or a new attempt.
void Link::connect() {
  if (!addresses_.empty()) return connect_next();
  if (options_.uri.path.empty()) return host_.find();
  addresses_ = {unix_address(options_.uri.path)};
  connect_next();
}

void Link::connect_next() {
  const loop::SocketAddress address = addresses_.front();
  addresses_.erase(addresses_.begin());
  auto tls =
      options_.tls ? std::make_unique<TlsSession>(*options_.tls, options_.uri.host) : nullptr;
  wire_ = std::make_unique<Wire>(loop_, options_.wire, Wire::Peer{address, std::move(tls)},
                                 Wire::Events{[this] { tasks_.start("log in to Redis", log_in()); },
                                              [this](const Wire::End& end, std::size_t unanswered) {
                                                on_lost(end, unanswered);
                                              }});
}

Task<void> Link::log_in() {
  const bool is_known = co_await redis::log_in(*wire_, options_.uri);
  if (!is_known) co_return;
  // On its way together with the script, and back before it.
  tasks_.start("ask Redis for its time", ask_time());
  const bool is_loaded = co_await load_script(*wire_, script_);
  if (is_loaded) on_ready();
}

void Link::on_ready() {
  state_ = State::kReady;
  addresses_.clear();
  failures_.clear();
  outage_.opens();
  idle_.start(options_.ask_when_idle);
  settle();
  resume_waiting(kForever);
  if (state_ == State::kReady) tasks_.start("ask Redis for its memory", ask_memory());
}

// May run inside the wire that went down, so the next one is made from the timer.
void Link::on_lost(const Wire::End& end, std::size_t unanswered) {
  idle_.stop();
  if (state_ != State::kReady) return on_failed(end);
  backoff_ = options_.backoff_min;
  if (unanswered != asked_aside_) return on_failed(end);
  // Who closes what is idle does nothing wrong.
  if (end.fault && end.fault != StoreFault::kLost) count(*end.fault);
  reopen();
}

// At once; but a server that lets us in only to close again is not asked as fast as it can.
void Link::reopen() {
  state_ = State::kOpening;
  const bool was_just_reopened = reopened_at_ && loop_.now() - *reopened_at_ < options_.backoff_max;
  reopened_at_ = loop_.now();
  retry_.start(was_just_reopened ? options_.backoff_min : loop::Milliseconds::zero());
}

void Link::on_failed(const Wire::End& end) {
  if (end.fault) count(*end.fault);
  failures_.append(failures_.empty() ? "" : "; ").append(end.why);
  if (!addresses_.empty()) return retry_.start(loop::Milliseconds::zero());
  state_ = State::kDown;
  outage_.fails(std::exchange(failures_, ""), loop_.now());
  std::uniform_int_distribution<std::int64_t> less(0, backoff_.count() / 2);
  retry_.start(backoff_ - loop::Milliseconds(less(random_)));
  backoff_ = std::min(backoff_ * 2, options_.backoff_max);
  settle();
  resume_waiting(kForever);
}

void Link::count(StoreFault fault) const {
  if (options_.counters) options_.counters->add(telemetry::Counters::of(fault));
}

void Link::report_serving() {
  backoff_ = options_.backoff_min;
  outage_.serves();
}

// A wire that is long in coming may come yet, and has cost a decision all the same.
void Link::report_refused() {
  if (state_ == State::kOpening && trouble().empty()) {
    outage_.fails("it takes too long to connect again", loop_.now());
  }
  outage_.refuses(loop_.now());
}

void Link::settle() {
  settle_by_.stop();
  if (on_settled_) std::exchange(on_settled_, nullptr)();
}

bool Link::is_worth_waiting() const {
  return state_ == State::kOpening && waiting_.size() < options_.wire.max_pending;
}

std::multimap<loop::Milliseconds, Link::Opened*>::iterator Link::wait(Opened& opened) {
  const auto place = waiting_.emplace(opened.deadline_, &opened);
  overdue_.start(std::max(waiting_.begin()->first - loop_.now(), loop::Milliseconds::zero()));
  return place;
}

// All whose deadline is not after `due`. What is resumed may wait again, for something later; and
// it may destroy others that are to be resumed: they leave the list.
void Link::resume_waiting(loop::Milliseconds due) {
  overdue_.stop();
  LinkedList<Opened> all;
  while (!waiting_.empty() && waiting_.begin()->first <= due) {
    Opened& opened = *waiting_.begin()->second;
    waiting_.erase(*std::exchange(opened.place_, std::nullopt));
    all.push_back(opened);
  }
  if (!waiting_.empty()) overdue_.start(waiting_.begin()->first - loop_.now());
  while (!all.empty()) all.pop_front().waiting_.resume();
}

// Without what the task was to find out, the wire would never be ready.
void Link::on_failed_task(std::string_view name, std::string_view what) {
  telemetry::log_failures(log_)(name, what);
  if (wire_) wire_->close({std::string(what)});
}

void Link::on_idle() {
  const loop::Milliseconds quiet = loop_.now() - wire_->heard_at();
  if (quiet < options_.ask_when_idle) return idle_.start(options_.ask_when_idle - quiet);
  idle_.start(options_.ask_when_idle);
  tasks_.start("ask Redis for its time", ask_time());
}

// Any reply shows that the wire lives, an error too; without one in time it is closed. But to whom
// has to log in first, Redis says so here alone: the script is too long for a stranger.
Task<void> Link::ask_time() {
  const std::array<std::string_view, 1> time{"TIME"};
  const auto reply = co_await ask_aside(time);
  if (!reply) co_return;
  if (const auto now = time_in(*reply)) learn_time(*now);
  const auto error = error_in(*reply);
  if (error && first_word(*error) == "NOAUTH") {
    wire_->close({std::string(*error), StoreFault::kError});
  }
}

// Behind all that waited. Whoever may not ask is not warned.
Task<void> Link::ask_memory() {
  const std::array<std::string_view, 2> info{"INFO", "memory"};
  const auto reply = co_await ask_aside(info);
  if (!reply) co_return;
  if (const auto memory = text_in(*reply)) eviction_.learn(*memory);
}

Task<Result<Reply>> Link::ask_aside(Arguments arguments) {
  const Counted counted(asked_aside_);
  auto reply = co_await wire_->command(arguments);
  co_return reply;
}

}  // namespace sluice::redis
