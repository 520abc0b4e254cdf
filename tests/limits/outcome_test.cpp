#include "limits/outcome.h"

#include <vector>

#include <gtest/gtest.h>

#include "limits/buckets.h"

namespace sluice::limits {
namespace {

using namespace std::chrono_literals;

const Lookup kNothing{[](std::string_view, const Limit&) { return std::nullopt; }, {}};

TEST(OutcomeTest, OfNoLimitsIsAllowed) {
  const Outcome outcome = decide({}, kNothing, kStart);
  EXPECT_TRUE(outcome.decision.allowed);
  EXPECT_EQ(outcome.decision.at, kStart);
  EXPECT_TRUE(outcome.decision.limits.empty());
  EXPECT_TRUE(outcome.decision.balances.empty());
  EXPECT_TRUE(outcome.changes.empty());
  EXPECT_EQ(outcome.decision.tightest(), std::nullopt);
}

TEST(OutcomeTest, ChargesAllOrNone) {
  const Limit wide = limit(10, 60);
  const Limit narrow = limit(2, 10);
  const std::vector<Charge> both{{"wide", &wide, 3}, {"narrow", &narrow, 2}};
  Buckets buckets;

  const Outcome first = buckets.decide(both, kStart);
  EXPECT_TRUE(first.decision.allowed);
  EXPECT_EQ(first.decision.balances, (std::vector<Balance>{{7, 60s, 0s, 60s}, {0, 10s, 0s, 10s}}));
  ASSERT_EQ(first.changes.size(), 2U);
  EXPECT_EQ(first.changes[0].key, "wide");
  EXPECT_EQ(first.changes[0].keep_for, 60s);
  EXPECT_EQ(first.changes[0].bucket, (Bucket{wide.terms(), FixedWindow{3, kStart}}));
  EXPECT_EQ(first.changes[1].key, "narrow");
  EXPECT_EQ(first.changes[1].keep_for, 10s);
  EXPECT_EQ(first.changes[1].bucket, (Bucket{narrow.terms(), FixedWindow{2, kStart}}));

  const Outcome second = buckets.decide(both, kStart + 4s);
  EXPECT_FALSE(second.decision.allowed);
  EXPECT_TRUE(second.changes.empty());
  EXPECT_EQ(second.decision.balances, (std::vector<Balance>{{7, 56s, 0s, 56s}, {0, 6s, 6s, 6s}}))
      << "what is left as if it had not come, and a wait only where it would not fit";
  EXPECT_FALSE(second.decision.lacks_room(0));
  EXPECT_FALSE(second.decision.denied_by(0));
  EXPECT_TRUE(second.decision.lacks_room(1));
  EXPECT_TRUE(second.decision.denied_by(1));
  EXPECT_EQ(second.decision.tightest(), 1U);

  EXPECT_TRUE(buckets.decide(both, kStart + 10s).decision.allowed);
  EXPECT_EQ(buckets.used("wide"), 6);
  EXPECT_EQ(buckets.used("narrow"), 2);
}

TEST(OutcomeTest, ALimitThatFitsIsNotChargedForOneThatDoesNotWhereverItStands) {
  const Limit open = limit(10, 60);
  const Limit shut = limit(0, 60);
  const std::vector<std::vector<Charge>> orders{
      {{"a", &shut, 1}, {"b", &open, 1}, {"c", &open, 1}},
      {{"b", &open, 1}, {"a", &shut, 1}, {"c", &open, 1}},
      {{"b", &open, 1}, {"c", &open, 1}, {"a", &shut, 1}},
  };
  for (std::size_t i = 0; i < orders.size(); ++i) {
    const Outcome outcome = decide({orders[i]}, kNothing, kStart);
    EXPECT_FALSE(outcome.decision.allowed);
    EXPECT_TRUE(outcome.changes.empty());
    for (std::size_t j = 0; j < 3; ++j) {
      EXPECT_EQ(outcome.decision.limits[j], orders[i][j].limit);
      EXPECT_EQ(outcome.decision.denied_by(j), j == i);
    }
    EXPECT_EQ(outcome.decision.balances[i], (Balance{0, 0s, kNever}));
    EXPECT_EQ(outcome.decision.tightest(), i);
  }
}

TEST(OutcomeTest, PeeksChangeNothingAndAreNeverDenied) {
  const Limit eight = limit(8, 10);
  const Limit none = limit(0, 10);
  Buckets buckets;
  buckets.decide({{"k", &eight, 8}}, kStart);
  const Outcome peek = buckets.decide({{"k", &eight, 0}, {"n", &none, 0}}, kStart + 1s);
  EXPECT_TRUE(peek.decision.allowed);
  EXPECT_TRUE(peek.changes.empty());
  EXPECT_EQ(peek.decision.balances, (std::vector<Balance>{{0, 9s, 0s, 9s}, {0, 0s, 0s}}));

  const std::vector<Charge> beside{{"k", &eight, 0}, {"x", &eight, 1}};
  const Outcome mixed = buckets.decide(beside, kStart + 1s);
  ASSERT_EQ(mixed.changes.size(), 1U) << "beside a peek, others are charged";
  EXPECT_EQ(mixed.changes[0].key, "x");
}

TEST(OutcomeTest, AShadowLimitNeverDenies) {
  const Limit shadow = limit(1, 10, Mode::kShadow);
  const Limit never = limit(0, 10, Mode::kShadow);
  Buckets buckets;
  const std::vector<Charge> charges{{"s", &shadow, 1}, {"n", &never, 1}};
  EXPECT_TRUE(buckets.decide(charges, kStart).decision.allowed);
  const Outcome second = buckets.decide(charges, kStart + 4s);
  EXPECT_TRUE(second.decision.allowed);
  EXPECT_TRUE(second.changes.empty());
  EXPECT_EQ(second.decision.balances, (std::vector<Balance>{{0, 6s, 6s, 6s}, {0, 0s, kNever}}));
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_TRUE(second.decision.lacks_room(i)) << "which is what its metrics count";
    EXPECT_FALSE(second.decision.denied_by(i));
  }
  EXPECT_EQ(second.decision.tightest(), std::nullopt) << "clients are not told of shadows";
}

TEST(OutcomeTest, AShadowLimitIsChargedWithTheOthersWhereItFits) {
  const Limit enforced = limit(3, 10);
  const Limit shadow = limit(1, 60, Mode::kShadow);
  const std::vector<Charge> charges{{"s", &shadow, 1}, {"e", &enforced, 1}};
  struct Row {
    const char* what;
    bool allowed;
    std::int64_t used;
    std::int64_t shadow_used;
    std::vector<Balance> balances;
  };
  const std::vector<Row> rows{
      {"both fit", true, 1, 1, {{0, 60s, 0s, 60s}, {2, 10s, 0s, 10s}}},
      {"the shadow is full, the other is charged",
       true,
       2,
       1,
       {{0, 60s, 60s, 60s}, {1, 10s, 0s, 10s}}},
      {"once more", true, 3, 1, {{0, 60s, 60s, 60s}, {0, 10s, 0s, 10s}}},
      {"both are full", false, 3, 1, {{0, 60s, 60s, 60s}, {0, 10s, 10s, 10s}}},
  };
  Buckets buckets;
  for (const Row& row : rows) {
    const Outcome outcome = buckets.decide(charges, kStart);
    EXPECT_EQ(outcome.decision.allowed, row.allowed) << row.what;
    EXPECT_EQ(outcome.decision.balances, row.balances) << row.what;
    EXPECT_EQ(buckets.used("e"), row.used) << row.what;
    EXPECT_EQ(buckets.used("s"), row.shadow_used) << row.what;
    EXPECT_FALSE(outcome.decision.denied_by(0)) << row.what;
    EXPECT_EQ(outcome.decision.denied_by(1), !row.allowed) << row.what;
    EXPECT_EQ(outcome.decision.tightest(), 1U) << row.what;
  }
}

TEST(OutcomeTest, AShadowLimitIsNotChargedForADenial) {
  const Limit shut = limit(0, 10);
  const Limit shadow = limit(5, 60, Mode::kShadow);
  Buckets buckets;
  const Outcome outcome = buckets.decide({{"s", &shadow, 2}, {"e", &shut, 1}}, kStart);
  EXPECT_FALSE(outcome.decision.allowed);
  EXPECT_TRUE(outcome.changes.empty());
  EXPECT_EQ(outcome.decision.balances[0], (Balance{5, 0s, 0s}));
  EXPECT_FALSE(outcome.decision.lacks_room(0));
}

// The limits of every algorithm at once, one too many.
TEST(OutcomeTest, DecidesOverEveryAlgorithm) {
  std::vector<Limit> limits;
  for (const auto& [name, algorithm] : kAlgorithmNames) {
    limits.push_back(limit(2, 10));
    limits.back().algorithm = algorithm;
  }
  std::vector<Charge> charges;
  for (const Limit& each : limits) {
    charges.push_back({"key" + std::to_string(charges.size()), &each, 2});
  }
  Buckets buckets;
  EXPECT_EQ(buckets.decide(charges, kStart).changes.size(), 5U);
  charges[3].cost = 1;
  const Outcome second = buckets.decide(charges, kStart + 5s);
  EXPECT_FALSE(second.decision.allowed);
  EXPECT_TRUE(second.changes.empty());
  // 2 units of a sliding window weigh none just after the middle of the next one.
  const Duration sliding = 10'000'001us;
  EXPECT_EQ(second.decision.balances, (std::vector<Balance>{{0, 5s, 5s, 5s},
                                                            {0, 5s, 5s, 5s},
                                                            {0, sliding, sliding, sliding},
                                                            {1, 5s, 0s, 5s},
                                                            {1, 5s, 5s, 5s}}));
  EXPECT_EQ(second.decision.tightest(), 2U) << "the longest wait";
}

// Asked once in 10 ms, and by who waits as long as it is told.
TEST(OutcomeTest, ASlidingWindowSustainsItsQuota) {
  for (const std::int64_t quota : {1, 2, 3, 10, 100}) {
    Limit ten = limit(quota, 10);
    ten.algorithm = Algorithm::kSlidingWindow;
    for (const bool waits : {false, true}) {
      Buckets buckets;
      std::int64_t admitted = 0;
      for (TimePoint now = kStart; now < kStart + 1000s;) {
        const Decision decision = buckets.decide({{"key", &ten, 1}}, now).decision;
        admitted += decision.allowed ? 1 : 0;
        now += waits ? decision.balances[0].retry_after : 10ms;
      }
      EXPECT_EQ(admitted, 100 * quota) << waits;
    }
  }
}

TEST(DecisionTest, TheTightestWaitsLongestThenHasFewestLeft) {
  const Limit enforced = limit(8, 10);
  const Limit shadow = limit(8, 10, Mode::kShadow);
  struct Row {
    const char* what;
    std::vector<const Limit*> limits;
    std::vector<Balance> balances;
    std::optional<std::size_t> tightest;
  };
  const std::vector<Row> rows{
      {"no store answered", {&enforced}, {}, std::nullopt},
      {"fewest left", {&enforced, &enforced}, {{3, 1s, 0s}, {2, 9s, 0s}}, 1},
      {"a tie is the first's", {&enforced, &enforced}, {{2, 1s, 0s}, {2, 9s, 0s}}, 0},
      {"the longest wait",
       {&enforced, &enforced, &enforced},
       {{0, 1s, 1s}, {5, 9s, 3s}, {0, 2s, 2s}},
       1},
      {"before the fewest left", {&enforced, &enforced}, {{0, 1s, 0s}, {5, 9s, 1us}}, 1},
      {"never is longest", {&enforced, &enforced}, {{0, 1s, 99h}, {8, 0s, kNever}}, 1},
      {"a shadow is none", {&shadow, &enforced}, {{0, 9s, kNever}, {8, 0s, 0s}}, 1},
      {"nor the first of two",
       {&shadow, &enforced, &enforced},
       {{0, 9s, 9s}, {8, 0s, 0s}, {7, 1s, 0s}},
       2},
      {"shadows alone", {&shadow, &shadow}, {{0, 9s, 9s}, {1, 0s, 0s}}, std::nullopt},
  };
  for (const Row& row : rows) {
    Decision decision;
    decision.limits = row.limits;
    decision.balances = row.balances;
    EXPECT_EQ(decision.tightest(), row.tightest) << row.what;
  }
}

}  // namespace
}  // namespace sluice::limits
