// How bodies that come in pieces end otherwise than by their last piece.
#include <functional>
#include <vector>

#include <gmock/gmock.h>

#include "fcgi/body_stream_fixture.h"

namespace sluice::fcgi {
namespace {

using testing::EndsWith;
using testing::StartsWith;

class BodyStreamEndTest : public BodyStreamFixture {};

TEST_F(BodyStreamEndTest, AClientThatHangsUpEndsABodyThatWaits) {
  ask_and_read_nothing().reset();
  EXPECT_TRUE(script_.waiting);
  turn();
  EXPECT_FALSE(script_.waiting);
  EXPECT_EQ(script_.destroyed, 1U);
}

TEST_F(BodyStreamEndTest, AClientThatHangsUpEndsABodyThatIsNotTaken) {
  script_.for_ever = std::string(kPiece, 'x');
  {
    const UniqueFd socket = ask_and_read_nothing();
    turn_until_full();
  }
  turn();
  EXPECT_EQ(script_.destroyed, 1U);
}

TEST_F(BodyStreamEndTest, SoDoesAnAbort) {
  const UniqueFd socket = ask_and_read_nothing();
  send(socket, record(2, ""));
  EXPECT_FALSE(ends_in_its_last_record(receive_all(socket)));
  turn();  // the connection is destroyed behind the turn in which it closes
  EXPECT_EQ(script_.destroyed, 1U);
}

TEST_F(BodyStreamEndTest, APieceThatComesInTheTurnOfAHangUpReachesNobody) {
  ask_and_read_nothing().reset();
  bool waited = false;
  loop::Timer late(loop_, [&] {
    waited = static_cast<bool>(script_.waiting);
    script_.say("late");
  });
  late.start(loop::Milliseconds(0));
  turn();
  EXPECT_TRUE(waited);
  EXPECT_EQ(script_.asked, 1U);
  EXPECT_EQ(script_.destroyed, 1U);
}

TEST_F(BodyStreamEndTest, AClientThatIsGoneBeforeItBeginsIsNotAskedFor) {
  ask_and_read_nothing(kHeld).reset();
  turn();
  held_.resume();
  EXPECT_EQ(script_.asked, 0U);
  EXPECT_EQ(script_.destroyed, 1U);
}

TEST_F(BodyStreamEndTest, WhatCannotGoOnIsBrokenOffAndNotEnded) {
  const std::vector<std::function<void()>> ways{
      [&] { script_.say(fail(ErrorCode::kStoreUnavailable, "gone")); },
      [&] { script_.say(std::string(http::BodyStream::kMaxPiece + 1, 'x')); },
      [&] {
        script_.throws = true;
        script_.say("more");
      },
      [&] {
        script_.throws_a_number = true;
        script_.say("more");
      }};
  for (const auto& way : ways) {
    script_.throws = script_.throws_a_number = false;
    const UniqueFd socket = connect();
    EXPECT_EQ(stdout_of(ask(socket, kStreamed)), kHead);
    script_.say("some");
    way();
    const std::string rest = receive_all(socket);
    EXPECT_THAT(stdout_of(rest), StartsWith("some"));
    EXPECT_THAT(rest, EndsWith(kBrokenOff));
    EXPECT_EQ(receive(socket), "closed");
  }
  turn();
  EXPECT_EQ(script_.destroyed, ways.size());
}

TEST_F(BodyStreamEndTest, WhatIsBrokenOffBehindAFullSocketComesToAClientThatReads) {
  script_.for_ever = std::string(kPiece, 'x');
  const UniqueFd socket = ask_and_read_nothing();
  turn_until_full();
  const std::size_t pieces = script_.asked;
  script_.for_ever.clear();
  script_.say(fail(ErrorCode::kInternal));
  const std::string answer = receive_all(socket);
  EXPECT_EQ(stdout_of(answer).size(), kHead.size() + pieces * kPiece);
  EXPECT_THAT(answer, EndsWith(kBrokenOff));
}

TEST_F(BodyStreamEndTest, ADrainEndsThemAllWell) {
  const UniqueFd waits = connect();
  EXPECT_EQ(stdout_of(ask(waits, kStreamed)), kHead);
  const UniqueFd held = ask_and_read_nothing(kHeld);
  bool drained = false;
  server_->drain([&] { drained = true; });
  EXPECT_FALSE(script_.drained);
  const std::string end = receive_all(waits);
  EXPECT_EQ(stdout_of(end), "bye");
  EXPECT_TRUE(ends_in_its_last_record(end));
  EXPECT_EQ(receive(waits), "closed");
  EXPECT_FALSE(drained);
  held_.resume();
  const std::string answer = receive_all(held);
  EXPECT_EQ(stdout_of(answer), std::string(kHead) + "bye");
  EXPECT_TRUE(ends_in_its_last_record(answer));
  EXPECT_EQ(receive(held), "closed");
  EXPECT_TRUE(drained);
  turn();
  EXPECT_EQ(script_.destroyed, 2U);
}

TEST_F(BodyStreamEndTest, ADrainCutsNoPieceOfAClientThatReadsLate) {
  script_.for_ever = std::string(kPiece, 'x');
  const UniqueFd socket = ask_and_read_nothing();
  turn_until_full();
  const std::size_t pieces = script_.asked;
  script_.for_ever.clear();
  bool drained = false;
  server_->drain([&] { drained = true; });
  std::string answer;
  while (!script_.drained) {
    std::string part(kPieceRecord, '\0');
    const ssize_t size = ::recv(socket.get(), part.data(), part.size(), 0);
    ASSERT_GT(size, 0);
    answer += part.substr(0, static_cast<std::size_t>(size));
    turn(kMaxIdle / 2);
  }
  answer += receive_all(socket);
  EXPECT_EQ(stdout_of(answer), std::string(kHead) + std::string(pieces * kPiece, 'x') + "bye");
  EXPECT_TRUE(ends_in_its_last_record(answer));
  EXPECT_EQ(receive(socket), "closed");
  EXPECT_TRUE(drained);
}

TEST_F(BodyStreamEndTest, AServerThatGoesTakesThemAlong) {
  const UniqueFd socket = ask_and_read_nothing();
  server_.reset();
  EXPECT_THAT(receive_all(socket), EndsWith(kBrokenOff));
  EXPECT_FALSE(script_.waiting);
  EXPECT_EQ(script_.destroyed, 1U);
}

}  // namespace
}  // namespace sluice::fcgi
