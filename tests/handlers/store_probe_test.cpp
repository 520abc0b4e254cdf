#include "handlers/store_probe.h"

#include <array>
#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>

#include "gate.h"
#include "run_task.h"
#include "test_services.h"

namespace sluice::handlers {
namespace {

constexpr TimePoint kNoon{std::chrono::seconds(1'800'000'000)};

Duration ms(int count) {
  return std::chrono::milliseconds(count);
}

// A store that answers when the test says so, or throws.
class SlowStore final : public store::BucketStore {
 public:
  [[nodiscard]] Task<Result<limits::Decision>> take(limits::Ask ask,
                                                    std::optional<TimePoint> /*now*/) override {
    EXPECT_EQ(ask.charges.size(), 1U);
    ++takes_;
    co_await gate_.pass();
    if (throws_) throw std::runtime_error("no");
    if (is_up_) co_return limits::Decision{};
    co_return fail(ErrorCode::kStoreUnavailable);
  }
  [[nodiscard]] Task<Result<std::optional<std::string>>> read(std::string_view /*key*/) override {
    co_return std::nullopt;
  }
  [[nodiscard]] Task<Result<std::int64_t>> reset(std::span<const std::string> /*keys*/) override {
    co_return 0;
  }

  void answer(bool is_up, bool throws = false) {
    is_up_ = is_up;
    throws_ = throws;
    gate_.let_one();
  }
  [[nodiscard]] bool is_asked() const { return gate_.has_waiting(); }

  int takes_ = 0;

 private:
  Gate gate_;
  bool is_up_ = false;
  bool throws_ = false;
};

class StoreProbeTest : public testing::Test {
 protected:
  // Asks, and notes the answer when it comes.
  void ask(TimePoint now) { tasks_.start(note(probe_.is_up(now), answers_)); }

  static Task<void> note(Task<bool> question, std::vector<bool>& answers) {
    answers.push_back(co_await std::move(question));
  }

  SlowStore store_;
  StoreProbe probe_{store_, {"health", &kTestHealth, 1}};
  std::vector<bool> answers_;
  TestTasks tasks_;
};

TEST_F(StoreProbeTest, AllWhoAskMeanwhileShareOneProbe) {
  for (const bool is_up : {true, false}) {
    StoreProbe probe(store_, {"health", &kTestHealth, 1});
    std::vector<bool> answers;
    store_.takes_ = 0;
    for (int i = 0; i < 50; ++i) tasks_.start(note(probe.is_up(kNoon + ms(i * 10)), answers));
    EXPECT_EQ(store_.takes_, 1);  // though it took longer than an answer is fresh
    EXPECT_TRUE(answers.empty());
    store_.answer(is_up);
    EXPECT_EQ(answers, std::vector<bool>(50, is_up));
  }
}

TEST_F(StoreProbeTest, AnAnswerServesThoseWhoComeLaterForATenthOfASecond) {
  struct Row {
    int at;  // in milliseconds
    bool probes;
  };
  const std::vector<Row> rows{{0, true},   {0, false},   {50, false}, {99, false},
                              {100, true}, {199, false}, {201, true}, {10'000, true}};
  int takes = 0;
  for (const Row& row : rows) {
    ask(kNoon + ms(row.at));
    if (row.probes) {
      ASSERT_EQ(store_.takes_, ++takes) << row.at;
      store_.answer(true);
    }
    EXPECT_EQ(store_.takes_, takes) << row.at;
  }
  EXPECT_EQ(answers_, std::vector<bool>(rows.size(), true));
}

TEST_F(StoreProbeTest, AClockThatWasSetBackKeepsNoAnswer) {
  ask(kNoon);
  store_.answer(true);
  ask(kNoon - ms(1));
  EXPECT_EQ(store_.takes_, 2);
  store_.answer(false);
  EXPECT_EQ(answers_, (std::vector<bool>{true, false}));
}

TEST_F(StoreProbeTest, AStoreThatThrowsIsDownForAllWhoWait) {
  for (int i = 0; i < 3; ++i) ask(kNoon);
  store_.answer(true, true);
  EXPECT_EQ(answers_, std::vector<bool>(3, false));
  ask(kNoon + ms(100));
  store_.answer(true);
  EXPECT_TRUE(answers_.back());
}

// Each is resumed once, whatever those before it do.
TEST_F(StoreProbeTest, WhoIsAnsweredMayAskAgainAtOnce) {
  const auto again = [](StoreProbe& probe, std::vector<bool>& answers) -> Task<void> {
    answers.push_back(co_await probe.is_up(kNoon));
    answers.push_back(co_await probe.is_up(kNoon + ms(500)));
  };
  for (int i = 0; i < 3; ++i) tasks_.start(again(probe_, answers_));
  store_.answer(true);
  EXPECT_EQ(answers_, std::vector<bool>(3, true));
  EXPECT_EQ(store_.takes_, 2);
  store_.answer(false);
  EXPECT_EQ(answers_, (std::vector<bool>{true, true, true, false, false, false}));
}

TEST_F(StoreProbeTest, WhoGoesMeanwhileIsNotResumed) {
  std::array<TestTasks, 3> askers;  // the first one's question begins the probe
  for (TestTasks& asker : askers) asker.start(note(probe_.is_up(kNoon), answers_));
  askers[0].stop();
  askers[2].stop();
  store_.answer(true);
  EXPECT_EQ(answers_, std::vector<bool>{true});
  EXPECT_EQ(askers[1].running(), 0U);
}

TEST_F(StoreProbeTest, AProbeThatIsGoneIsNotResumedByItsStore) {
  {
    StoreProbe probe(store_, {"health", &kTestHealth, 1});
    tasks_.start(note(probe.is_up(kNoon), answers_));
  }
  EXPECT_FALSE(store_.is_asked());
  tasks_.stop();
  EXPECT_TRUE(answers_.empty());
}

}  // namespace
}  // namespace sluice::handlers
