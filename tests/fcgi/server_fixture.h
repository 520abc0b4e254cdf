// A server on its own loop, and a client that steps the loop while it waits.
#pragma once

#include <array>
#include <cerrno>
#include <memory>
#include <string>
#include <string_view>

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "fcgi/listener.h"
#include "fcgi/records.h"
#include "fcgi/server.h"
#include "manual_clock.h"
#include "temporary_directory.h"

namespace sluice::fcgi {

// The connection waits in the listen queue until the server's loop turns.
inline UniqueFd connect_to(const std::string& path) {
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(static_cast<char*>(address.sun_path), path.size());
  EXPECT_EQ(::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  return socket;
}

// A test says how requests are answered, and within which bounds.
class ServerFixture : public testing::Test {
 protected:
  static void SetUpTestSuite() { ASSERT_TRUE(initialize_libfcgi()); }

  explicit ServerFixture(Server::Options options) : options_(options) {}

  void SetUp() override {
    auto listener = listen_at(path_);
    ASSERT_TRUE(listener) << listener.error().detail;
    server_ =
        std::make_unique<Server>(loop_, log_, options_, std::move(*listener),
                                 [this](const http::Request& request) { return answer(request); });
    server_->start();
  }

  virtual Task<http::Response> answer(const http::Request& request) = 0;

  UniqueFd connect() { return connect_to(path_); }

  // Runs the loop for a few turns, at most `limit` of it.
  void turn(loop::Milliseconds limit = loop::Milliseconds(5)) {
    loop::Timer timer(loop_, [this] { loop_.stop(); });
    timer.start(limit);
    loop_.run();
  }

  // Steps the loop until the peer has answered or closed; "closed" when it closed.
  std::string receive(const UniqueFd& socket) {
    std::array<char, 65536> buffer{};
    for (int i = 0; i < 400; ++i) {
      const ssize_t size = ::recv(socket.get(), buffer.data(), buffer.size(), 0);
      if (size == 0 || (size < 0 && errno == ECONNRESET)) return "closed";
      if (size > 0) return {buffer.data(), static_cast<std::size_t>(size)};
      turn();
    }
    return "nothing came";
  }

  // Whether the peer has closed, whatever of it is still to be read.
  static bool has_hung_up(const UniqueFd& socket) {
    pollfd asked{.fd = socket.get(), .events = 0, .revents = 0};
    return ::poll(&asked, 1, 0) > 0 && (asked.revents & POLLHUP) != 0;
  }

  static bool ends_in_its_last_record(std::string_view answer) {
    constexpr std::size_t kEndRequest = 16;
    return answer.size() > kEndRequest &&
           answer.substr(answer.size() - kEndRequest, 2) == std::string_view("\1\3", 2);
  }

  static void send(const UniqueFd& socket, std::string_view bytes) {
    EXPECT_EQ(::send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }

  std::string ask(const UniqueFd& socket, std::string_view bytes) {
    send(socket, bytes);
    return receive(socket);
  }

  Server::Options options_;
  TemporaryDirectory directory_;
  std::string path_ = directory_.path() + "/s";
  ManualClock clock_;
  loop::Loop loop_;
  telemetry::Log log_{-1, clock_, {}};
  std::unique_ptr<Server> server_;
};

}  // namespace sluice::fcgi
