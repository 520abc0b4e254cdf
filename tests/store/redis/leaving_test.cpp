// Callers that go away while they wait for Redis. AddressSanitizer is the judge of most of it.
#include <algorithm>
#include <array>
#include <functional>

#include "conformance/redis_server.h"
#include "redis/fake_redis.h"
#include "redis/link_fixture.h"

namespace sluice::store {
namespace {

using limits::Decision;
using loop::Milliseconds;
using redis::FakeRedis;
using redis::LinkFixture;
using redis::Wire;

redis::Link::Options options_for(const std::string& path) {
  redis::Link::Options options;
  options.uri.path = path;
  options.wire.command_timeout = Milliseconds(200);
  return options;
}

// Says `text` to Redis, and notes the answer.
Task<void> echo(Wire& wire, std::string text, std::vector<std::string>& seen,
                std::function<void()> then) {
  const std::array<std::string_view, 2> arguments{"ECHO", text};
  const auto reply = co_await wire.command(arguments);
  seen.push_back(reply ? text : text + " failed");
  then();
}

class LeavingTest : public LinkFixture {
 protected:
  void SetUp() override {
    redis::Link::Options options = options_for(server_.socket());
    options.wire.command_timeout = loop::Milliseconds(10'000);
    open(options);
    ASSERT_TRUE(take("first"));  // so that the script is known
  }

  // A decision that takes its charges, and the limits of them, along when it goes.
  Task<void> ask(std::string key) {
    const limits::Limit log{.name = "log",
                            .rate = {100, {10, limits::Unit::kMinute}},
                            .algorithm = limits::Algorithm::kSlidingLog};
    const std::vector<limits::Charge> charges{
        {key + " of a name that is in no string's own bytes", &log, 1}, {key, &limit_, 1}};
    const std::vector<limits::Bar> bars{{key + " is barred by a name as long as that one"}};
    (void)co_await store_->take({charges, bars}, std::nullopt);
    ADD_FAILURE() << "it was resumed";
  }
  // A decision that stays, in a task of its own.
  Task<void> stay(std::string key) {
    const std::vector<limits::Charge> charges{{std::move(key), &limit_, 1}};
    stayed_.push_back(co_await store_->take({charges}, std::nullopt));
    loop_.stop();
  }
  bool is_charged(const std::string& key) { return server_.command("EXISTS " + key) == ":1\r\n"; }
  void expect_served() {
    loop_.run();
    ASSERT_EQ(stayed_.size(), 1U);
    ASSERT_TRUE(stayed_[0]);
    EXPECT_EQ(stayed_[0]->balances.at(0).remaining, 99);
  }

  // One leaves a call that the store has begun to send, and the other has its answer.
  void leave_after_flush() {
    leaver_.start(ask("gone"));
    tasks_.start(stay("there"));
    store_->flush();
    leaver_.stop();
    expect_served();
  }

  RedisServer server_;
  std::vector<Result<Decision>> stayed_;
  TestTasks leaver_;
};

TEST_F(LeavingTest, BeforeTheCallHasLeftItIsNotCharged) {
  leaver_.start(ask("gone"));
  tasks_.start(stay("there"));
  leaver_.stop();
  expect_served();
  EXPECT_FALSE(is_charged("gone"));
}

TEST_F(LeavingTest, AfterTheCallHasLeftItIsChargedAndTheOthersAreAnswered) {
  leave_after_flush();
  EXPECT_TRUE(is_charged("gone"));
}

TEST_F(LeavingTest, WhileTheWireIsOpenedAgainItIsNotCharged) {
  server_.command("CLIENT KILL TYPE normal");
  ASSERT_TRUE(loses_its_wire());
  leave_after_flush();
  EXPECT_FALSE(is_charged("gone"));
}

TEST_F(LeavingTest, BeforeAForgottenScriptIsSentAgainItIsNotCharged) {
  server_.command("SCRIPT FLUSH");
  leave_after_flush();
  EXPECT_FALSE(is_charged("gone"));
}

TEST_F(LeavingTest, WhenAnotherOfTheSameCallIsAnsweredHarmsNobody) {
  const auto end_the_other = [this]() -> Task<void> {
    const std::vector<limits::Charge> charges{{"ends the other", &limit_, 1}};
    EXPECT_TRUE(co_await store_->take({charges}, std::nullopt));
    leaver_.stop();
  };
  tasks_.start(end_the_other());
  leaver_.start(ask("gone"));
  tasks_.start(stay("there"));
  expect_served();
}

TEST_F(LeavingTest, AloneItSendsNothing) {
  server_.command("CONFIG RESETSTAT");
  leaver_.start(ask("gone"));
  leaver_.stop();
  store_->flush();
  tasks_.start(stay("there"));
  expect_served();
  EXPECT_NE(server_.command("INFO commandstats").find("cmdstat_evalsha:calls=1,"),
            std::string::npos);
}

TEST_F(LeavingTest, AStoreThatGoesTakesItsCallsAlong) {
  tasks_.start(stay("there"));
  store_->flush();
  tasks_.stop();
  store_.emplace(loop_, *link_, log_);
  leaver_.start(stay("another"));
  expect_served();
}

TEST_F(LeavingTest, AResetThatIsNotWaitedForIsDoneAllTheSame) {
  const std::vector<std::string> keys{"first"};
  const auto reset = [&]() -> Task<void> { (void)co_await store_->reset(keys); };
  leaver_.start(reset());
  leaver_.stop();
  tasks_.start(stay("there"));
  expect_served();
  EXPECT_FALSE(is_charged("first"));
}

TEST_F(LeavingTest, TheRepliesOfTheOthersStayInOrder) {
  std::vector<std::string> seen;
  std::array<TestTasks, 6> callers;
  for (std::size_t i = 0; i < callers.size(); ++i) {
    callers.at(i).start(echo(*link_->wire(), std::to_string(i), seen, [&] {
      if (seen.size() == 3) loop_.stop();
    }));
  }
  for (const std::size_t gone : {0U, 3U, 5U}) callers.at(gone).stop();
  loop_.run();
  EXPECT_EQ(seen, (std::vector<std::string>{"1", "2", "4"}));
}

class LeavingAFakeTest : public LinkFixture {
 protected:
  void SetUp() override { open(options()); }

  [[nodiscard]] redis::Link::Options options() const {
    return options_for(directory_.path() + "/redis.sock");
  }
  Wire& wire() { return *link_->wire(); }

  FakeRedis fake_{loop_, directory_.path() + "/redis.sock"};
  std::vector<std::string> seen_;
  TestTasks leaver_;
};

TEST_F(LeavingAFakeTest, ACommandThatNobodyWaitsForHasNoDeadline) {
  fake_.replies["ECHO"] = "";
  leaver_.start(echo(wire(), "gone", seen_, [] {}));
  leaver_.stop();
  run_for(2 * options().wire.command_timeout);
  EXPECT_NE(link_->wire(), nullptr);
}

TEST_F(LeavingAFakeTest, AWireThatIsLostWhenNobodyWaitsAnyMoreIsNoOutage) {
  fake_.replies["ECHO"] = "";
  leaver_.start(echo(wire(), "gone", seen_, [] {}));
  leaver_.stop();
  run_for(Milliseconds(5));
  fake_.hang_up();
  ASSERT_TRUE(loses_its_wire());
  EXPECT_FALSE(link_->is_down());
}

TEST_F(LeavingAFakeTest, WhoseCommandFailsMayEndAnothersThatIsToFailToo) {
  tasks_.start(echo(wire(), "first", seen_, [this] { leaver_.stop(); }));
  leaver_.start(echo(wire(), "gone", seen_, [] {}));
  tasks_.start(echo(wire(), "last", seen_, [] {}));
  wire().close({"the test says so"});
  EXPECT_EQ(seen_, (std::vector<std::string>{"first failed", "last failed"}));
}

TEST_F(LeavingAFakeTest, WhoeverWaitsForTheWireMayGo) {
  fake_.hang_up();
  ASSERT_TRUE(loses_its_wire());
  const auto wait = [this](std::string name, std::function<void()> then) -> Task<void> {
    const Wire* const ready = co_await link_->opened(loop_.now() + std::chrono::seconds(10));
    seen_.push_back(ready ? name : name + " failed");
    then();
  };
  std::array<TestTasks, 4> callers;
  callers[0].start(wait("0", [] {}));
  callers[1].start(wait("1", [&] { callers[2].stop(); }));
  callers[2].start(wait("2", [] {}));
  callers[3].start(wait("3", [this] { loop_.stop(); }));
  callers[0].stop();
  loop_.run();
  EXPECT_EQ(seen_, (std::vector<std::string>{"1", "3"}));
}

// Each reply is what it waits for next.
TEST_F(LeavingAFakeTest, AConnectionMayGoInEachStepOfItsLogIn) {
  redis::Link::Options options = this->options();
  options.uri.password = "s3cret";
  options.uri.db = 1;
  for (const char* command : {"AUTH", "SELECT", "TIME", "SCRIPT", "INFO"}) {
    const std::string before = std::exchange(fake_.replies[command], "");
    const auto asked = static_cast<std::ptrdiff_t>(fake_.asked().size());
    store_.reset();
    link_.emplace(loop_, log_, options, kTakeScript);
    ASSERT_TRUE(runs_until([&] {
      const auto& all = fake_.asked();
      return std::find(all.begin() + asked, all.end(), command) != all.end();
    })) << command;
    link_.reset();
    fake_.replies[command] = before;
  }
}

}  // namespace
}  // namespace sluice::store
