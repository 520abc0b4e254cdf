#include "fcgi/server.h"

#include <algorithm>
#include <cstring>

#include "fcgi/listener.h"

namespace sluice::fcgi {
namespace {

// What is wrong with accepting, and does not pass by itself, is tried again after this time: the
// socket stays readable, and a worker that tried at once would spin.
constexpr loop::Milliseconds kRetryAccept{100};

// The same failure is in the log at most so often.
constexpr loop::Milliseconds kReportPause{60'000};

// While draining, how long connections are kept as they are: a gateway that was told of the new
// pool closes its own in this time, and so no request meets a closing connection.
constexpr loop::Milliseconds kDrainGrace{1000};

}  // namespace

Server::Server(loop::Loop& loop, telemetry::Log& log, Options options, UniqueFd listener,
               Handler handler)
    : loop_(loop),
      log_(log),
      options_(options),
      acceptor_(std::move(listener)),
      handler_(std::move(handler)),
      context_{loop,
               log,
               handler_,
               options.bounds,
               options.streams,
               ended_streams_,
               [this](Connection& connection) { on_closed(connection); }},
      listening_(std::make_unique<loop::Readiness>(
          loop, acceptor_.listener().get(),
          [this](loop::Readiness::Events /*ready*/) { on_listener(); })),
      stall_timer_(loop, [this] { close_stalled(); }),
      retry_timer_(loop,
                   [this] {
                     paused_ = false;
                     listen_if_room();
                   }),
      drain_timer_(
          loop,
          [this] { for_each_connection([](Connection& connection) { connection.drain(); }); }),
      end_of_turn_(loop, [this] {
        closed_.clear();
        ended_streams_.clear();
      }) {}

Server::~Server() = default;

void Server::start() {
  if (is_network_socket(acceptor_.listener())) {
    log_.warning(
        "the socket is TCP: whoever can reach it can claim to be any client; use a unix socket");
  }
  listen_if_room();
  const auto shortest = std::min(options_.stall_timeout, options_.streams.max_idle);
  const auto period = shortest / 4 + loop::Milliseconds(1);
  stall_timer_.start(period, period);
}

// One connection a turn: workers that share the socket all wake, and each gets its share.
void Server::on_listener() {
  if (accept_one()) listen_if_room();
}

// Whether one was taken, to be served or not.
bool Server::accept_one() {
  Acceptor::Accepted accepted = acceptor_.accept();
  if (accepted.error != 0) report("cannot accept", std::strerror(accepted.error));
  if (accepted.error != 0 && !accepted.refused) pause();
  if (!accepted.socket) return accepted.refused;
  serve(std::move(accepted.socket));
  return true;
}

void Server::serve(UniqueFd socket) {
  auto connection = std::make_unique<Connection>(context_, std::move(socket));
  if (const auto begun = connection->begin(); !begun) {
    report("cannot watch a connection; closed", begun.error().detail);
    return;  // closed, so that the gateway goes on to the next worker at once
  }
  Connection* const key = connection.get();
  connections_.emplace(key, std::move(connection));
}

void Server::listen_if_room() {
  if (!listening_) return;
  const bool wanted = !paused_ && connections_.size() < options_.max_connections;
  const auto watched = listening_->watch(wanted ? loop::Readiness::kRead : loop::Readiness::kNone);
  if (watched) return;
  report("cannot watch the listening socket", watched.error().detail);
  pause();
}

void Server::pause() {
  paused_ = true;
  retry_timer_.start(kRetryAccept);
  listen_if_room();
}

void Server::report(std::string_view event, const std::string& reason) {
  const auto now = loop_.now();
  const auto [said, is_new] = reported_.try_emplace(std::string(event) + reason, now);
  if (!is_new && now - said->second < kReportPause) return;
  said->second = now;
  log_.error(event, {{"reason", reason}});
}

void Server::on_closed(Connection& connection) {
  const auto found = connections_.find(&connection);
  closed_.push_back(std::move(found->second));
  connections_.erase(found);
  if (draining_) return finish_drain();
  listen_if_room();
}

// Safe against a callee that closes its connection.
template <class Function>
void Server::for_each_connection(Function function) {
  std::vector<Connection*> all;
  all.reserve(connections_.size());
  for (const auto& [connection, owner] : connections_) all.push_back(connection);
  for (Connection* connection : all) function(*connection);
}

void Server::close_stalled() {
  const auto since = loop_.now() - options_.stall_timeout;
  for_each_connection([&](Connection& connection) { connection.close_if_stalled(since); });
}

void Server::drain(loop::Callback on_drained) {
  if (draining_) return;
  while (accept_one()) {
  }
  draining_ = true;
  on_drained_ = std::move(on_drained);
  listening_.reset();
  retry_timer_.stop();
  drain_timer_.start(kDrainGrace);
  finish_drain();
}

void Server::finish_drain() {
  if (connections_.empty() && on_drained_) std::exchange(on_drained_, nullptr)();
}

}  // namespace sluice::fcgi
