// A worker to which the kernel refuses something: it pauses, says so, and goes on.
#include <array>
#include <cerrno>
#include <fstream>
#include <sstream>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "fcgi/server_fixture.h"
#include "refused_syscall.h"

namespace sluice::fcgi {
namespace {

using testing::HasSubstr;

// Everything but an echo of the body is out of the way; nothing happens by itself for a minute.
class ServerFaultsTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { ASSERT_TRUE(initialize_libfcgi()); }

  // In the child: there is nothing of libuv's in the parent.
  struct Worker {
    explicit Worker(const std::string& folder) : path(folder + "/s"), log_path(folder + "/log") {
      auto listener = listen_at(path);
      EXPECT_TRUE(listener);
      // UBSan looks at an object's type with the help of a descriptor, the first time.
      const Clock& type = clock;
      static_cast<void>(type.now());
      server = std::make_unique<Server>(
          loop, log, Server::Options{.bounds = {}, .stall_timeout = loop::Milliseconds(60'000)},
          std::move(*listener), [](const http::Request& request) -> Task<http::Response> {
            co_return http::Response(200, std::string(request.body));
          });
    }

    [[nodiscard]] UniqueFd connect() const { return connect_to(path); }

    // How often the loop turned in this time.
    int turns_in(loop::Milliseconds time) {
      int turns = 0;
      const loop::BeforeWait count(loop, [&] { ++turns; });
      loop::Timer timer(loop, [this] { loop.stop(); });
      timer.start(time);
      loop.run();
      return turns;
    }

    std::string ask(const UniqueFd& socket) {
      const std::string bytes = request({{"DOCUMENT_URI", "/"}}, "hello");
      EXPECT_GT(::send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL), 0);
      return receive(socket);
    }

    std::string receive(const UniqueFd& socket) {
      std::array<char, 4096> buffer{};
      for (int i = 0; i < 100; ++i) {
        const ssize_t size = ::recv(socket.get(), buffer.data(), buffer.size(), 0);
        if (size == 0 || (size < 0 && errno == ECONNRESET)) return "closed";
        if (size > 0) return {buffer.data(), static_cast<std::size_t>(size)};
        turns_in(loop::Milliseconds(5));
      }
      return "nothing came";
    }

    [[nodiscard]] std::string logged() const {
      std::ostringstream text;
      text << std::ifstream(log_path).rdbuf();
      return text.str();
    }

    std::string path;
    std::string log_path;
    UniqueFd log_file{::open(log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)};
    ManualClock clock;
    loop::Loop loop;
    telemetry::Log log{log_file.get(), clock, {}};
    std::unique_ptr<Server> server;
  };

  // `body` with a worker in a child of the test.
  void with_worker(const std::function<void(Worker&)>& body) const {
    const TemporaryDirectory directory;
    in_child([&] {
      Worker worker(directory.path());
      body(worker);
    });
  }
};

// So often does "cannot" stand in the log, if `what` does.
std::ptrdiff_t lines_of(const std::string& log, const std::string& what) {
  EXPECT_THAT(log, HasSubstr(what));
  return std::count(log.begin(), log.end(), '\n');
}

constexpr loop::Milliseconds kQuarter{250};
constexpr int kFew = 12;  // turns in that time; one that spins has thousands

TEST_F(ServerFaultsTest, AnAcceptThatFailsForGoodPausesAndSaysSoOnce) {
  for (const int error : {EPERM, ENETDOWN, EPROTO, ENOPROTOOPT, EHOSTUNREACH, EOPNOTSUPP, EMFILE,
                          ENFILE, ENOMEM, ENOBUFS, EINVAL, EBADF, ENOSR, ETIMEDOUT}) {
    with_worker([error](Worker& worker) {
      worker.server->start();
      const UniqueFd waiting = worker.connect();
      if (!refuse({SYS_accept4, static_cast<unsigned>(error)})) return;
      EXPECT_LT(worker.turns_in(kQuarter), kFew) << strerror(error);
      EXPECT_EQ(lines_of(worker.logged(), strerror(error)), 1) << worker.logged();
    });
  }
}

TEST_F(ServerFaultsTest, AnAcceptThatIsToBeRepeatedIsNoFault) {
  for (const int error : {EAGAIN, EINTR, ECONNABORTED}) {
    with_worker([error](Worker& worker) {
      worker.server->start();
      const UniqueFd waiting = worker.connect();
      if (!refuse({SYS_accept4, static_cast<unsigned>(error)})) return;
      EXPECT_GT(worker.turns_in(loop::Milliseconds(20)), 3) << strerror(error);
      EXPECT_EQ(worker.logged(), "") << strerror(error);
    });
  }
}

TEST_F(ServerFaultsTest, AConnectionThatCannotBeWatchedIsClosedAndTheOthersAreServed) {
  for (const int error : {ENOSPC, ENOMEM, EPERM}) {
    with_worker([error](Worker& worker) {
      worker.server->start();
      const UniqueFd early = worker.connect();
      EXPECT_THAT(worker.ask(early), HasSubstr("hello"));
      if (!refuse({SYS_epoll_ctl, static_cast<unsigned>(error), EPOLL_CTL_ADD})) return;
      for (int i = 0; i < 5; ++i) EXPECT_EQ(worker.receive(worker.connect()), "closed");
      EXPECT_THAT(worker.ask(early), HasSubstr("hello"));
      EXPECT_EQ(lines_of(worker.logged(), strerror(error)), 1) << worker.logged();
    });
  }
}

TEST_F(ServerFaultsTest, AListeningSocketThatCannotBeWatchedIsTriedAgain) {
  with_worker([](Worker& worker) {
    worker.turns_in(loop::Milliseconds(1));
    if (!refuse({SYS_epoll_ctl, ENOSPC, EPOLL_CTL_ADD})) return;
    worker.server->start();
    const UniqueFd waiting = worker.connect();
    EXPECT_LT(worker.turns_in(kQuarter), kFew);
    EXPECT_EQ(lines_of(worker.logged(), "cannot watch the listening socket"), 1);
  });
}

rlimit descriptor_limit() {
  rlimit limit{};
  EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  return limit;
}

void limit_descriptors(rlim_t count) {
  const rlimit limit{count, descriptor_limit().rlim_max};
  EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
}

// Those that are open, and no more.
void use_up_descriptors() {
  limit_descriptors(static_cast<rlim_t>(UniqueFd(::dup(0)).get()));
}

TEST_F(ServerFaultsTest, WithoutADescriptorLeftConnectionsAreRefusedAtOnceAndLaterServed) {
  with_worker([](Worker& worker) {
    worker.server->start();
    const UniqueFd kept = worker.connect();
    EXPECT_THAT(worker.ask(kept), HasSubstr("hello"));
    std::array<UniqueFd, 5> refused;
    for (auto& socket : refused) socket = worker.connect();
    const rlim_t before = descriptor_limit().rlim_cur;
    use_up_descriptors();
    for (const auto& socket : refused) EXPECT_EQ(worker.receive(socket), "closed");
    EXPECT_LT(worker.turns_in(kQuarter), kFew);
    EXPECT_THAT(worker.ask(kept), HasSubstr("hello"));
    limit_descriptors(before);
    EXPECT_THAT(worker.ask(worker.connect()), HasSubstr("hello"));
    EXPECT_EQ(lines_of(worker.logged(), "Too many open files"), 1) << worker.logged();
  });
}

// Where even the spare descriptor is taken away, there is nothing to refuse with.
TEST_F(ServerFaultsTest, WithoutASpareDescriptorItPausesAndLaterServes) {
  with_worker([](Worker& worker) {
    worker.server->start();
    const UniqueFd waiting = worker.connect();
    const rlim_t before = descriptor_limit().rlim_cur;
    limit_descriptors(0);
    EXPECT_LT(worker.turns_in(kQuarter), kFew);
    limit_descriptors(before);
    EXPECT_THAT(worker.ask(waiting), HasSubstr("hello"));
    EXPECT_EQ(lines_of(worker.logged(), "Too many open files"), 1) << worker.logged();
    use_up_descriptors();  // the spare one is back
    EXPECT_THAT(worker.ask(waiting), HasSubstr("hello"));
  });
}

}  // namespace
}  // namespace sluice::fcgi
