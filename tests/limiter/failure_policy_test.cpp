#include "limiter/failure_policy.h"

#include <gtest/gtest.h>

namespace sluice::limiter {
namespace {

using limits::Limit;
using limits::Mode;
using limits::OnStoreError;

Limit limit(OnStoreError on_store_error, Mode mode = Mode::kEnforce) {
  return {.name = "chat",
          .rate = {1, {10, limits::Unit::kSecond}},
          .mode = mode,
          .on_store_error = on_store_error};
}

const Limit kOpen = limit(OnStoreError::kAllow);
const Limit kClosed = limit(OnStoreError::kDeny);
const Limit kShadow = limit(OnStoreError::kDeny, Mode::kShadow);

TEST(FailurePolicyTest, EveryLimitThatEnforcesHasToLetItPass) {
  struct Row {
    limits::LimitSet limits;
    bool when_away;
    bool when_it_talks_nonsense;
  };
  const std::vector<Row> rows{
      {{}, true, true},
      {{&kOpen}, true, false},
      {{&kClosed}, false, false},
      {{&kOpen, &kClosed}, false, false},
      {{&kClosed, &kOpen}, false, false},
      {{&kShadow}, true, true},
      {{&kShadow, &kOpen}, true, false},
      {{&kShadow, &kClosed}, false, false},
  };
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto& row = rows[i];
    EXPECT_EQ(decide_without_store(row.limits, ErrorCode::kStoreUnavailable).allowed, row.when_away)
        << i;
    EXPECT_EQ(decide_without_store(row.limits, ErrorCode::kStoreFault).allowed,
              row.when_it_talks_nonsense)
        << i;
  }
}

TEST(FailurePolicyTest, TheDecisionSaysThatNoStoreMadeIt) {
  const auto decision = decide_without_store({&kOpen}, ErrorCode::kStoreUnavailable);
  EXPECT_EQ(decision.source, limits::Source::kOnStoreError);
  EXPECT_EQ(decision.limits, limits::LimitSet{&kOpen});
  EXPECT_TRUE(decision.balances.empty());
  EXPECT_EQ(decision.tightest(), std::nullopt);
}

}  // namespace
}  // namespace sluice::limiter
