#include <array>
#include <functional>
#include <stdexcept>
#include <thread>
#include <vector>

#include <gmock/gmock.h>

#include "fcgi/server_fixture.h"

namespace sluice::fcgi {
namespace {

using testing::HasSubstr;

class ServerTest : public ServerFixture {
 protected:
  ServerTest() : ServerFixture({.bounds = {}, .max_connections = 3, .stall_timeout = kStall}) {}

  Task<http::Response> answer(const http::Request& request) override {
    if (request.path == "/throw") throw std::runtime_error("handler");
    if (request.path == "/throw-a-number") throw 1;
    if (request.path == "/stand-still") {
      std::this_thread::sleep_for(kLongerThanStall);
      meanwhile_();
    }
    if (request.path == "/wait" || request.path == "/wait-large") co_await Held{*this};
    if (request.path == "/wait-large") co_return http::Response(200, std::string(kLarge, 'x'));
    co_return http::Response(200, std::string(request.body));
  }

  static constexpr loop::Milliseconds kStall{100};
  static constexpr loop::Milliseconds kLongerThanStall{150};
  static constexpr std::size_t kLarge = 4'000'000;  // more than a socket holds

  struct Held {
    ServerTest& test;
    [[nodiscard]] bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> handle) const { test.held_.push_back(handle); }
    void await_resume() const {}
  };

  std::vector<std::coroutine_handle<>> held_;
  std::function<void()> meanwhile_;  // what peers do while the worker stands still
};

const std::string kHello = request({{"DOCUMENT_URI", "/"}}, "hello");

TEST_F(ServerTest, AnswersRequestsOnAKeptConnection) {
  const UniqueFd socket = connect();
  EXPECT_THAT(ask(socket, kHello), HasSubstr("hello"));
  EXPECT_THAT(ask(socket, kHello), HasSubstr("hello"));
}

TEST_F(ServerTest, ClosesAConnectionThatIsNotToBeKept) {
  const UniqueFd socket = connect();
  EXPECT_THAT(ask(socket, request({{"DOCUMENT_URI", "/"}}, "bye", false)), HasSubstr("bye"));
  EXPECT_EQ(receive(socket), "closed");
}

TEST_F(ServerTest, ClosesOnGarbageAndGoesOnServing) {
  const UniqueFd garbage = connect();
  EXPECT_EQ(ask(garbage, "GET / HTTP/1.1\r\n\r\n"), "closed");
  EXPECT_THAT(ask(connect(), kHello), HasSubstr("hello"));
}

TEST_F(ServerTest, AHalfSentRequestHoldsNobodyAndIsClosedInTime) {
  const UniqueFd half = connect();
  const std::string bytes = kHello.substr(0, 20);
  ASSERT_EQ(::send(half.get(), bytes.data(), bytes.size(), 0), 20);
  EXPECT_THAT(ask(connect(), kHello), HasSubstr("hello"));
  EXPECT_EQ(receive(half), "closed");
}

TEST_F(ServerTest, AnIdleConnectionIsKept) {
  const UniqueFd idle = connect();
  const UniqueFd half = connect();
  EXPECT_EQ(ask(half, "\1"), "closed");  // so the stall time-out has passed
  EXPECT_THAT(ask(idle, kHello), HasSubstr("hello"));
}

// The answer's own time begins with it: here the handler takes longer than the stall time-out, and
// then the peer takes the answer slowly, but never stops.
TEST_F(ServerTest, AnAnswerIsTakenWholeHoweverLongItsHandlerTook) {
  const UniqueFd socket = connect();
  const std::string wait = request({{"DOCUMENT_URI", "/wait-large"}});
  for (const std::string turn_of : {"first", "second"}) {
    ASSERT_GT(::send(socket.get(), wait.data(), wait.size(), 0), 0);
    turn(kLongerThanStall);
    ASSERT_EQ(held_.size(), 1U) << turn_of;
    std::exchange(held_, {})[0].resume();
    std::string answer;
    while (!ends_in_its_last_record(answer)) {
      turn();
      const std::string part = receive(socket);
      ASSERT_NE(part, "closed") << turn_of << ", after " << answer.size() << " bytes";
      answer += part;
    }
    EXPECT_GT(answer.size(), kLarge);
  }
  EXPECT_THAT(ask(socket, kHello), HasSubstr("hello"));
}

TEST_F(ServerTest, AnAnswerThatIsNotTakenIsGivenUpHoweverLongItsHandlerTook) {
  const UniqueFd socket = connect();
  const std::string wait = request({{"DOCUMENT_URI", "/wait-large"}});
  ASSERT_GT(::send(socket.get(), wait.data(), wait.size(), 0), 0);
  turn(kLongerThanStall);
  held_[0].resume();
  for (int i = 0; !has_hung_up(socket); ++i) {
    ASSERT_LT(i, 1000);
    turn();
  }
}

TEST_F(ServerTest, AHalfSentRequestAfterALongHandlerHasItsWholeTime) {
  const UniqueFd socket = connect();
  const std::string wait = request({{"DOCUMENT_URI", "/wait"}}, "slow");
  ASSERT_GT(::send(socket.get(), wait.data(), wait.size(), 0), 0);
  turn(kLongerThanStall);
  held_[0].resume();
  EXPECT_THAT(receive(socket), HasSubstr("slow"));
  turn(kLongerThanStall);
  ASSERT_EQ(::send(socket.get(), kHello.data(), 20, 0), 20);
  turn(kStall / 5);
  EXPECT_THAT(ask(socket, kHello.substr(20)), HasSubstr("hello"));
  EXPECT_EQ(ask(socket, kHello.substr(0, 20)), "closed");
}

TEST_F(ServerTest, AWorkerThatStoodStillItselfCutsNobodyWhoSentTheRest) {
  const UniqueFd socket = connect();
  send(socket, kHello.substr(0, 20));
  turn();
  meanwhile_ = [&] { send(socket, kHello.substr(20)); };
  EXPECT_THAT(ask(connect(), request({{"DOCUMENT_URI", "/stand-still"}})), HasSubstr("200"));
  EXPECT_THAT(receive(socket), HasSubstr("hello"));
}

TEST_F(ServerTest, AWorkerThatStoodStillItselfCutsNobodyWhoTookTheAnswer) {
  const UniqueFd socket = connect();
  send(socket, request({{"DOCUMENT_URI", "/wait-large"}}));
  turn();
  std::exchange(held_, {})[0].resume();
  std::string answer;
  meanwhile_ = [&] {
    std::array<char, 65536> part{};
    ssize_t size = 0;
    while ((size = ::recv(socket.get(), part.data(), part.size(), 0)) > 0) {
      answer.append(part.data(), static_cast<std::size_t>(size));
    }
  };
  EXPECT_THAT(ask(connect(), request({{"DOCUMENT_URI", "/stand-still"}})), HasSubstr("200"));
  while (!ends_in_its_last_record(answer)) {
    const std::string part = receive(socket);
    ASSERT_NE(part, "closed") << "after " << answer.size() << " bytes";
    answer += part;
  }
  EXPECT_GT(answer.size(), kLarge);
}

TEST_F(ServerTest, OneWaitingRequestDoesNotHoldUpAnother) {
  const UniqueFd slow = connect();
  const std::string wait = request({{"DOCUMENT_URI", "/wait"}}, "slow");
  ASSERT_GT(::send(slow.get(), wait.data(), wait.size(), 0), 0);
  EXPECT_THAT(ask(connect(), kHello), HasSubstr("hello"));
  ASSERT_EQ(held_.size(), 1U);
  held_[0].resume();
  EXPECT_THAT(receive(slow), HasSubstr("slow"));
}

TEST_F(ServerTest, APeerThatLeavesBeforeItsAnswerHarmsNobody) {
  {
    const UniqueFd gone = connect();
    const std::string wait = request({{"DOCUMENT_URI", "/wait"}});
    ASSERT_GT(::send(gone.get(), wait.data(), wait.size(), 0), 0);
    turn();
  }
  turn();
  ASSERT_EQ(held_.size(), 1U);
  held_[0].resume();
  EXPECT_THAT(ask(connect(), kHello), HasSubstr("hello"));
}

TEST_F(ServerTest, AnExceptionIsA500AndTheConnectionServesOn) {
  for (const char* path : {"/throw", "/throw-a-number"}) {
    const UniqueFd socket = connect();
    EXPECT_THAT(ask(socket, request({{"DOCUMENT_URI", path}})),
                HasSubstr("Status: 500 Internal Server Error\r\n"));
    EXPECT_THAT(ask(socket, kHello), HasSubstr("hello"));
  }
}

TEST_F(ServerTest, AServerThatGoesTakesTheRequestsThatItHandlesAlong) {
  const UniqueFd socket = connect();
  const std::string wait = request({{"DOCUMENT_URI", "/wait"}});
  ASSERT_GT(::send(socket.get(), wait.data(), wait.size(), 0), 0);
  turn();
  ASSERT_EQ(held_.size(), 1U);
  server_.reset();
  EXPECT_EQ(receive(socket), "closed");
}

TEST_F(ServerTest, ALargeAnswerArrivesWhole) {
  const UniqueFd socket = connect();
  std::string answer = ask(socket, request({{"DOCUMENT_URI", "/"}}, std::string(60'000, 'x')));
  while (answer.size() < 60'000) {
    const std::string more = receive(socket);
    ASSERT_NE(more, "nothing came");
    answer += more;
  }
  EXPECT_GE(std::count(answer.begin(), answer.end(), 'x'), 60'000);
}

TEST_F(ServerTest, ConnectionsBeyondTheBoundWaitForRoom) {
  auto first = std::make_unique<UniqueFd>(connect());
  const UniqueFd second = connect();
  const UniqueFd third = connect();
  EXPECT_THAT(ask(*first, kHello), HasSubstr("hello"));
  EXPECT_THAT(ask(second, kHello), HasSubstr("hello"));
  EXPECT_THAT(ask(third, kHello), HasSubstr("hello"));
  const UniqueFd fourth = connect();
  ASSERT_GT(::send(fourth.get(), kHello.data(), kHello.size(), 0), 0);
  turn(loop::Milliseconds(20));
  char nothing = 0;
  EXPECT_EQ(::recv(fourth.get(), &nothing, 1, 0), -1);
  first.reset();
  EXPECT_THAT(receive(fourth), HasSubstr("hello"));
}

TEST_F(ServerTest, DrainingFinishesWhatIsUnderWayAndThenCallsBack) {
  const UniqueFd idle = connect();
  const UniqueFd busy = connect();
  EXPECT_THAT(ask(idle, kHello), HasSubstr("hello"));
  const std::string wait = request({{"DOCUMENT_URI", "/wait"}}, "last");
  ASSERT_GT(::send(busy.get(), wait.data(), wait.size(), 0), 0);
  turn();
  const UniqueFd queued = connect();  // still in the listen queue
  bool drained = false;
  server_->drain([&] { drained = true; });
  EXPECT_THAT(ask(queued, kHello), HasSubstr("hello"));
  EXPECT_EQ(receive(idle), "closed");
  EXPECT_FALSE(drained);
  held_[0].resume();
  EXPECT_THAT(receive(busy), HasSubstr("last"));
  EXPECT_EQ(receive(busy), "closed");
  EXPECT_EQ(receive(queued), "closed");
  EXPECT_TRUE(drained);
}

}  // namespace
}  // namespace sluice::fcgi
