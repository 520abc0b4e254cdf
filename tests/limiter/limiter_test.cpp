#include "limiter/limiter.h"

#include <initializer_list>
#include <optional>
#include <set>

#include <gtest/gtest.h>

#include "manual_clock.h"
#include "region_memory.h"
#include "run_task.h"
#include "store/memory/memory_store.h"

namespace sluice::limiter {
namespace {

using limits::Decision;
using limits::Limit;
using limits::OnStoreError;

// Answers every take with one error.
class FlakyStore final : public store::BucketStore {
 public:
  explicit FlakyStore(ErrorCode code) : code_(code) {}
  [[nodiscard]] Task<Result<Decision>> take(limits::Ask /*ask*/,
                                            std::optional<TimePoint> /*now*/) override {
    co_return fail(code_);
  }
  [[nodiscard]] Task<Result<std::optional<std::string>>> read(std::string_view /*key*/) override {
    co_return fail(code_);
  }
  [[nodiscard]] Task<Result<std::int64_t>> reset(std::span<const std::string> /*keys*/) override {
    co_return fail(code_);
  }

 private:
  ErrorCode code_;
};

Limit limit(std::string name, std::int64_t quota, OnStoreError on_store_error) {
  return {.name = std::move(name),
          .tenant = "",
          .scope = limits::Fact::kIp,
          .rate = {quota, {10, limits::Unit::kSecond}},
          .on_store_error = on_store_error};
}

identity::Identity caller() {
  identity::Identity identity;
  identity.address = "4:7f000001";
  return identity;
}

const ManualClock kClock;
const NewcomerMemory kNewcomers;

TEST(LimiterTest, AsksNoStoreWhereNoLimitApplies) {
  FlakyStore store(ErrorCode::kStoreUnavailable);
  Limiter limiter(store, kClock, kNewcomers, {});
  const identity::Identity identity = caller();
  const Decision decision = run_now(limiter.decide({}, identity, "chat", 1));
  EXPECT_TRUE(decision.allowed);
  EXPECT_EQ(decision.source, limits::Source::kNobody);
  EXPECT_FALSE(decision.id);
}

TEST(LimiterTest, WhatCostsSomethingHasAnIdOfItsOwn) {
  const ManualClock clock;
  store::MemoryStore store(clock, {});
  FlakyStore absent(ErrorCode::kStoreUnavailable);
  std::set<std::optional<DecisionId>> ids;
  const Limit one = limit("one", 2, OnStoreError::kAllow);
  const limits::LimitSet limits{&one};
  const identity::Identity identity = caller();
  // Two workers, one without its store; allowed, denied, and left to on_store_error.
  for (store::BucketStore* of : std::initializer_list<store::BucketStore*>{&store, &absent}) {
    Limiter limiter(*of, kClock, kNewcomers, {});
    for (int i = 0; i < 4; ++i) {
      const auto id = run_now(limiter.decide(limits, identity, "chat", 1)).id;
      ASSERT_TRUE(id);
      EXPECT_TRUE(ids.insert(id).second) << i;
    }
    EXPECT_FALSE(run_now(limiter.decide(limits, identity, "chat", 0)).id);
  }
}

TEST(LimiterTest, ChargesEveryLimitOrNone) {
  const ManualClock clock;
  store::MemoryStore store(clock, {});
  Limiter limiter(store, kClock, kNewcomers, {});
  const Limit wide = limit("wide", 10, OnStoreError::kDeny);
  const Limit narrow = limit("narrow", 1, OnStoreError::kDeny);
  const identity::Identity identity = caller();
  const limits::LimitSet both{&wide, &narrow};
  EXPECT_TRUE(run_now(limiter.decide(both, identity, "chat", 1)).allowed);
  const Decision denied = run_now(limiter.decide(both, identity, "chat", 1));
  EXPECT_FALSE(denied.allowed);
  EXPECT_FALSE(denied.denied_by(0));
  EXPECT_TRUE(denied.denied_by(1));
  EXPECT_EQ(denied.balances[0].remaining, 9);
}

TEST(LimiterTest, TheStrictestPolicyDecidesWhenTheStoreIsDown) {
  FlakyStore store(ErrorCode::kStoreUnavailable);
  Limiter limiter(store, kClock, kNewcomers, {});
  const Limit open = limit("open", 1, OnStoreError::kAllow);
  const Limit closed = limit("closed", 1, OnStoreError::kDeny);
  const identity::Identity identity = caller();
  const limits::LimitSet only_open{&open};
  const limits::LimitSet mixed{&open, &closed};
  EXPECT_TRUE(run_now(limiter.decide(only_open, identity, "chat", 1)).allowed);
  const Decision denied = run_now(limiter.decide(mixed, identity, "chat", 1));
  EXPECT_FALSE(denied.allowed);
  EXPECT_EQ(denied.source, limits::Source::kOnStoreError);
  EXPECT_TRUE(denied.balances.empty());
}

TEST(LimiterTest, AnAnswerThatIsNonsenseNeverAllows) {
  FlakyStore store(ErrorCode::kStoreFault);
  Limiter limiter(store, kClock, kNewcomers, {});
  const Limit open = limit("open", 1, OnStoreError::kAllow);
  const identity::Identity identity = caller();
  const limits::LimitSet set{&open};
  EXPECT_FALSE(run_now(limiter.decide(set, identity, "chat", 1)).allowed);
}

TEST(LimiterTest, ALimitInShadowModeDeniesNobodyWhateverTheStoreDoes) {
  for (const ErrorCode code : {ErrorCode::kStoreFault, ErrorCode::kStoreUnavailable}) {
    FlakyStore store(code);
    Limiter limiter(store, kClock, kNewcomers, {});
    Limit shadow = limit("shadow", 1, OnStoreError::kDeny);
    shadow.mode = limits::Mode::kShadow;
    const identity::Identity identity = caller();
    const limits::LimitSet set{&shadow};
    EXPECT_TRUE(run_now(limiter.decide(set, identity, "chat", 1)).allowed);
  }
}

}  // namespace
}  // namespace sluice::limiter
