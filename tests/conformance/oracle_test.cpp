// The model (limits/, by way of the store in memory) against every other store: random timelines of
// decisions over several limits, with times that the test chooses. They must agree on every
// decision, remaining, reset and retry-after, to the microsecond, and on what they store, to the
// byte.
#include <chrono>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "conformance/store_under_test.h"
#include "conformance/timeline.h"
#include "full_set.h"
#include "limits/algorithm.h"

namespace sluice {
namespace {

using limits::Algorithm;
using limits::Move;

std::set<std::string> lines_of(const std::string& contents) {
  std::set<std::string> lines;
  for (std::size_t start = 0; start < contents.size();) {
    const std::size_t end = std::min(contents.find(',', start), contents.size());
    lines.insert(contents.substr(start, end - start));
    start = end + 1;
  }
  return lines;
}

// A store may have dropped what says no more than nothing; what it has is what the model has.
void expect_same_bytes(StoreUnderTest& model, StoreUnderTest& store, std::int64_t step) {
  const auto expected = lines_of(model.contents());
  for (const std::string& line : lines_of(store.contents())) {
    ASSERT_TRUE(expected.contains(line)) << "step " << step << ": " << line;
  }
}

// Redis ends a bucket by its own clock, which passes that of a timeline that stands still. What has
// ended there and not here is no fault of the store's.
class Lives {
  using Clock = std::chrono::steady_clock;

 public:
  // Whether Redis may have ended a bucket of the decision that the timeline, at `now`, still has.
  [[nodiscard]] bool may_be_over(const Asked& asked, TimePoint now) const {
    return std::any_of(asked.charges.begin(), asked.charges.end(), [&](const auto& charge) {
      const auto found = ends_.find(charge.key);
      return found != ends_.end() && found->second.here > now &&
             found->second.there <= Clock::now();
    });
  }
  // `begun`: when the store was asked.
  void learn(const Asked& asked, const limits::Decision& decision, TimePoint now,
             Clock::time_point begun) {
    if (!decision.allowed) return;  // a denial writes nothing
    for (std::size_t i = 0; i < asked.charges.size(); ++i) {
      if (asked.charges[i].cost == 0) continue;
      const Duration left = decision.balances[i].reset_after;
      ends_[asked.charges[i].key] = {now + left, begun + left};
    }
  }

 private:
  struct End {
    TimePoint here;
    Clock::time_point there;
  };
  std::map<std::string, End> ends_;
};

// All that a turn asked for is forgotten, so that both stores agree again.
void forget(const std::vector<Asked>& turn, StoreUnderTest& store) {
  for (const Asked& asked : turn) {
    const auto keys = keys_of(asked);
    ASSERT_TRUE(keys.empty() || store.reset(keys));
  }
}

using Case = std::tuple<std::string, std::string>;  // store, algorithm

class OracleTest : public testing::TestWithParam<Case> {};

TEST_P(OracleTest, AgreesWithTheModelOnEveryStep) {
  const auto& [store_name, algorithm] = GetParam();
  const auto model = make_store_under_test("memory");
  const auto store = make_store_under_test(store_name);
  Timeline timeline(*limits::from_name<Algorithm>(limits::kAlgorithmNames, algorithm));
  const std::int64_t steps = is_full_set() ? 100'000 : 15'000;
  std::int64_t step = 0;
  std::int64_t denied = 0;
  std::int64_t barred = 0;
  std::int64_t refunds = 0;
  std::int64_t ended_early = 0;
  Lives lives;
  for (int turn = 0; step < steps; ++turn) {
    const auto decisions = timeline.next_turn();
    const auto expected = model->take_all(decisions, timeline.now());
    const auto begun = std::chrono::steady_clock::now();
    const auto actual = store->take_all(decisions, timeline.now());
    const auto differs =
        std::mismatch(actual.begin(), actual.end(), expected.begin(), [](auto& one, auto& other) {
          return one.allowed == other.allowed && one.balances == other.balances;
        });
    const auto same = static_cast<std::size_t>(differs.first - actual.begin());
    if (store_name == "redis" && same < actual.size() &&
        lives.may_be_over(decisions[same], timeline.now())) {
      forget(decisions, *model);
      forget(decisions, *store);
      ++ended_early;
      continue;
    }
    for (std::size_t i = 0; i < decisions.size(); ++i, ++step) {
      lives.learn(decisions[i], expected[i], timeline.now(), begun);
      ASSERT_EQ(actual[i].allowed, expected[i].allowed) << "seed " << kSeed << " step " << step;
      ASSERT_EQ(actual[i].balances, expected[i].balances) << "seed " << kSeed << " step " << step;
      ASSERT_EQ(actual[i].at, expected[i].at);
      ASSERT_EQ(actual[i].bars, expected[i].bars) << "seed " << kSeed << " step " << step;
      ASSERT_EQ(actual[i].is_stale, expected[i].is_stale) << "seed " << kSeed << " step " << step;
      refunds += actual[i].allowed && decisions[i].has(Move::kRefund) ? 1 : 0;
      denied += actual[i].allowed ? 0 : 1;
      barred += actual[i].is_barred() ? 1 : 0;
    }
    for (const Asked& asked : decisions) {
      if (!asked.mark) continue;
      const auto bytes = model->read(asked.mark->key);
      ASSERT_EQ(store->read(asked.mark->key), bytes) << "seed " << kSeed << " step " << step;
      timeline.learn(asked, bytes);
    }
    if (const auto keys = timeline.next_reset(decisions); !keys.empty()) {
      ASSERT_TRUE(model->reset(keys) && store->reset(keys));
    }
    if (turn % 500 == 0) expect_same_bytes(*model, *store, step);
    if (testing::Test::HasFatalFailure()) return;
  }
  EXPECT_LE(ended_early, steps / 1'000);
  EXPECT_GT(denied, steps / 20) << "a timeline that hardly denies shows little";
  EXPECT_LT(denied, steps * 19 / 20) << "a timeline that hardly allows shows little";
  EXPECT_GT(barred, steps / 50);
  EXPECT_GT(refunds, steps / 50);
}

std::vector<std::string> stores_but_the_model() {
  std::vector<std::string> names = kStoreNames;
  std::erase(names, "memory");
  return names;
}

std::vector<std::string> algorithm_names() {
  std::vector<std::string> names;
  for (const auto& [name, algorithm] : limits::kAlgorithmNames) names.emplace_back(name);
  return names;
}

INSTANTIATE_TEST_SUITE_P(Stores, OracleTest,
                         testing::Combine(testing::ValuesIn(stores_but_the_model()),
                                          testing::ValuesIn(algorithm_names())),
                         [](const auto& of) {
                           return std::get<0>(of.param) + "_" + std::get<1>(of.param);
                         });

}  // namespace
}  // namespace sluice
