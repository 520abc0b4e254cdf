// Answers whose body comes in pieces: who waits for whom, and what is held.
#include <algorithm>
#include <vector>

#include <gmock/gmock.h>

#include "fcgi/body_stream_fixture.h"

namespace sluice::fcgi {
namespace {

using testing::AnyOf;
using testing::HasSubstr;
using testing::Not;

class BodyStreamTest : public BodyStreamFixture {};

TEST_F(BodyStreamTest, ThePieceIsAskedForWhenTheLastOneIsTaken) {
  const UniqueFd socket = connect();
  EXPECT_EQ(stdout_of(ask(socket, kStreamed)), kHead);  // before there is a piece
  EXPECT_EQ(script_.asked, 1U);
  for (const std::string piece : {"one", "two", "three"}) {
    script_.say(piece);
    EXPECT_EQ(stdout_of(receive(socket)), piece);
  }
  EXPECT_EQ(script_.asked, 4U);
  script_.say("");
  EXPECT_TRUE(ends_in_its_last_record(receive(socket)));
  turn();
  EXPECT_EQ(script_.destroyed, 1U);
}

TEST_F(BodyStreamTest, OneThatIsEmptyIsAWholeAnswer) {
  const UniqueFd socket = connect();
  script_.say("");
  send(socket, kStreamed);
  const std::string answer = receive_all(socket);
  EXPECT_EQ(stdout_of(answer), kHead);
  EXPECT_TRUE(ends_in_its_last_record(answer));
  EXPECT_THAT(ask(socket, kPlain), HasSubstr("a string"));
}

TEST_F(BodyStreamTest, AConnectionServesBodiesOfBothKinds) {
  const UniqueFd socket = connect();
  for (std::size_t i = 0; i < 3; ++i) {
    script_.say("in ");
    script_.say("pieces");
    script_.say("");
    send(socket, kStreamed);
    EXPECT_EQ(stdout_of(receive_all(socket)), std::string(kHead) + "in pieces");
    EXPECT_THAT(ask(socket, kPlain), HasSubstr("a string"));
    EXPECT_EQ(script_.destroyed, i + 1);
  }
  script_.say("");
  send(socket, request({{"DOCUMENT_URI", "/"}}, "", false));
  EXPECT_TRUE(ends_in_its_last_record(receive_all(socket)));
  EXPECT_EQ(receive(socket), "closed");
}

TEST_F(BodyStreamTest, OfAHeadRequestNobodyAsksForTheBody) {
  const UniqueFd socket = connect();
  const std::string head = request({{"DOCUMENT_URI", "/"}, {"REQUEST_METHOD", "HEAD"}});
  const std::string answer = ask(socket, head);
  EXPECT_EQ(stdout_of(answer), kHead);
  EXPECT_TRUE(ends_in_its_last_record(answer));
  EXPECT_EQ(script_.asked, 0U);
  EXPECT_EQ(script_.destroyed, 1U);
  EXPECT_THAT(ask(socket, kPlain), HasSubstr("a string"));
}

// A socket that takes little, so that what is held is the worker's.
TEST_F(BodyStreamTest, AClientThatDoesNotReadHoldsTheBoundAndOnePiece) {
  script_.for_ever = std::string(kPiece, 'x');
  std::array<int, 2> pair{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair.data()), 0);
  const UniqueFd socket(pair[0]);
  const int little = 1;
  ASSERT_EQ(::setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &little, sizeof little), 0);
  const Handler handler = [this](const http::Request& request) { return answer(request); };
  std::vector<std::unique_ptr<http::BodyStream>> ended;
  const Connection::Context context{
      loop_, log_, handler, {}, options_.streams, ended, [](Connection& /*over*/) {}};
  Connection connection(context, UniqueFd(pair[1]));
  ASSERT_TRUE(connection.begin());
  send(socket, kStreamed);
  turn_until_full();
  const std::size_t pieces = script_.asked;
  const std::size_t held = kHeadRecord + pieces * kPieceRecord - in_kernel(socket);
  EXPECT_GT(held, kMaxBuffered / 2);
  EXPECT_LT(held, kMaxBuffered + kPieceRecord);
  script_.for_ever.clear();
  script_.say("");
  EXPECT_EQ(stdout_of(receive_all(socket)), std::string(kHead) + std::string(pieces * kPiece, 'x'));
  EXPECT_EQ(ended.size(), 1U);
}

// Nor does the kernel hold a whole buffer of what is always there.
TEST_F(BodyStreamTest, OneThatAlwaysHasMoreFillsNoKernelBuffer) {
  script_.for_ever = std::string(kPiece, 'x');
  const UniqueFd socket = ask_and_read_nothing();
  turn_until_full();
  EXPECT_GE(in_kernel(socket), kMaxBuffered);
  EXPECT_LT(in_kernel(socket), 100'000U);
}

TEST_F(BodyStreamTest, OneThatAlwaysHasMoreLeavesTheOthersTheirTurn) {
  script_.for_ever = std::string(kPiece, 'x');
  std::size_t before = 0;
  std::size_t most = 0;  // pieces in a turn
  const loop::BeforeWait count(loop_, [&] {
    most = std::max(most, script_.asked - before);
    before = script_.asked;
  });
  const UniqueFd socket = ask_and_read_nothing();
  while (script_.asked < 1000) ASSERT_THAT(receive(socket), Not(AnyOf("closed", "nothing came")));
  EXPECT_LE(most, kMaxBuffered / kPieceRecord + 1);
}

TEST_F(BodyStreamTest, AClientThatTakesNothingIsHungUpOn) {
  script_.for_ever = std::string(kPiece, 'x');
  const UniqueFd socket = ask_and_read_nothing();
  turn_until_full();
  EXPECT_EQ(script_.destroyed, 0U);
  turn(2 * kMaxIdle);
  EXPECT_EQ(script_.destroyed, 1U);
  EXPECT_FALSE(ends_in_its_last_record(receive_all(socket)));
}

// The kernel says that there is room when most of its buffer is free, which takes this one long.
TEST_F(BodyStreamTest, OneThatTakesLittleAtATimeIsNot) {
  script_.for_ever = std::string(kPiece, 'x');
  const UniqueFd socket = ask_and_read_nothing();
  turn_until_full();
  std::array<char, kPieceRecord> buffer{};
  for (loop::Milliseconds time(0); time < 4 * kMaxIdle; time += kMaxIdle / 2) {
    ASSERT_EQ(::recv(socket.get(), buffer.data(), buffer.size(), 0), ssize_t{buffer.size()});
    turn(kMaxIdle / 2);
  }
  EXPECT_EQ(script_.destroyed, 0U);
}

TEST_F(BodyStreamTest, NorIsOneForWhomThereIsNothing) {
  const UniqueFd socket = connect();
  EXPECT_EQ(stdout_of(ask(socket, kStreamed)), kHead);
  turn(2 * kMaxIdle);
  script_.say("at last");
  EXPECT_EQ(stdout_of(receive(socket)), "at last");
}

}  // namespace
}  // namespace sluice::fcgi
