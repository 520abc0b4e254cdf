#include "store/redis/connection.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>

#include <fmt/format.h>
#include <hiredis.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace sluice::store::redis {
namespace {

loop::SocketAddress unix_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(static_cast<char*>(address.sun_path), sizeof address.sun_path - 1);
  std::string bytes(sizeof address, '\0');
  std::memcpy(bytes.data(), &address, sizeof address);
  return {std::move(bytes), AF_UNIX};
}

}  // namespace

Connection::Connection(loop::Loop& loop, telemetry::Log& log, Options options,
                       std::string_view script)
    : loop_(loop),
      log_(log),
      options_(std::move(options)),
      script_(script),
      backoff_(options_.backoff_min),
      random_(static_cast<unsigned>(getpid())),
      retry_(loop, [this] { connect(); }),
      settle_by_(loop, [this] { settle(); }) {
  retry_.start(loop::Milliseconds::zero());
  settle_by_.start(options_.wire.connect_timeout + options_.wire.command_timeout);
}

void Connection::drop(const std::string& why) {
  if (wire_) wire_->close(why);
}

void Connection::close() {
  ready_ = false;
  retry_.stop();
  settle_by_.stop();
  resolve_.reset();
  wire_.reset();
}

// The next address of this attempt, or a new attempt.
void Connection::connect() {
  if (!addresses_.empty()) return connect_next();
  if (options_.uri.path.empty()) return resolve();
  addresses_ = {unix_address(options_.uri.path)};
  connect_next();
}

void Connection::resolve() {
  resolve_ = std::make_unique<loop::Resolve>(
      loop_, options_.uri.host, options_.uri.port,
      [this](Result<std::vector<loop::SocketAddress>> found) {
        if (!found) return on_down(fmt::format("{}: {}", options_.uri.host, found.error().detail));
        addresses_ = std::move(*found);
        connect_next();
      });
}

void Connection::connect_next() {
  const loop::SocketAddress address = addresses_.front();
  addresses_.erase(addresses_.begin());
  auto tls =
      options_.tls ? std::make_unique<TlsSession>(*options_.tls, options_.uri.host) : nullptr;
  wire_ = std::make_unique<Wire>(
      loop_, options_.wire, Wire::Peer{address, std::move(tls)},
      Wire::Events{[this] { start(log_in()); }, [this](const std::string& why) { on_down(why); }});
}

// May run inside the wire that went down, so the next one is made from the timer.
void Connection::on_down(const std::string& why) {
  ready_ = false;
  failures_.append(failures_.empty() ? "" : "; ").append(why);
  if (!addresses_.empty()) return retry_.start(loop::Milliseconds::zero());
  report_refusing(std::exchange(failures_, ""));
  std::uniform_int_distribution<std::int64_t> less(0, backoff_.count() / 2);
  retry_.start(backoff_ - loop::Milliseconds(less(random_)));
  backoff_ = std::min(backoff_ * 2, options_.backoff_max);
  settle();
}

void Connection::on_ready() {
  ready_ = true;
  addresses_.clear();
  failures_.clear();
  if (!serving_.has_value()) report_serving();
  settle();
}

void Connection::report_serving() {
  backoff_ = options_.backoff_min;
  if (serving_ != true) log_.info("store is up", {{"storage", options_.uri.masked()}});
  serving_ = true;
}

void Connection::report_refusing(std::string_view why) {
  if (serving_ != false) log_.error("store is down", {{"reason", why}});
  serving_ = false;
}

void Connection::settle() {
  settle_by_.stop();
  if (on_settled_) std::exchange(on_settled_, nullptr)();
}

// One step of logging in; an error reply closes the wire.
Task<Result<Reply>> Connection::ask(Arguments arguments) {
  auto reply = co_await wire_->command(arguments);
  if (reply && (*reply)->type == REDIS_REPLY_ERROR) {
    const std::string_view text((*reply)->str, (*reply)->len);
    wire_->close(fmt::format("{}: {}", arguments.front(), text));
    co_return fail(ErrorCode::kStoreUnavailable);
  }
  co_return reply;
}

Task<void> Connection::log_in() {
  const Uri& uri = options_.uri;
  if (!uri.password.empty()) {
    std::vector<std::string_view> auth{"AUTH"};
    if (!uri.user.empty()) auth.emplace_back(uri.user);
    auth.emplace_back(uri.password);
    const auto reply = co_await ask(auth);
    if (!reply) co_return;
  }
  if (uri.db != 0) {
    const std::string db = fmt::to_string(uri.db);
    const std::array<std::string_view, 2> select{"SELECT", db};
    const auto reply = co_await ask(select);
    if (!reply) co_return;
  }
  const std::array<std::string_view, 3> load{"SCRIPT", "LOAD", script_};
  const auto loaded = co_await ask(load);
  if (!loaded) co_return;
  script_sha_.assign((*loaded)->str, (*loaded)->len);
  on_ready();
}

}  // namespace sluice::store::redis
