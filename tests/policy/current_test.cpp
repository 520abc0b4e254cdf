#include "policy/current.h"

#include <gtest/gtest.h>

#include "gated_store.h"
#include "serve_fixture.h"

namespace sluice::policy {
namespace {

bool counts_a_denial(const limits::Ask& ask) {
  return !ask.charges.empty() && ask.charges.front().key.find("@denials") != std::string::npos;
}

class CurrentPolicyTest : public ServeFixture {
 protected:
  CurrentPolicyTest() { options_.penalty.after = 1; }

  [[nodiscard]] std::shared_ptr<const Policy> another() {
    return test_policy(options_, services_, slow_, newcomers_);
  }
  // Asks under the current policy, which nobody but `current` has afterwards.
  http::Response ask(const Current& current) {
    policy_ = current.get();
    http::Response response = send("POST", "/chat", R"({"message":"hi"})");
    policy_.reset();
    return response;
  }

  GatedStore slow_{store_, counts_a_denial};
};

// Two of its requests pass; of its denials the second locks it out.
TEST_F(CurrentPolicyTest, ADenialIsCountedThoughItsPolicyIsReplaced) {
  Current current(another());
  for (const int status : {200, 200, 429}) EXPECT_EQ(ask(current).status(), status);
  current.replace(another());
  EXPECT_EQ(current.kept(), 1U);
  ASSERT_TRUE(slow_.gate.has_waiting());
  slow_.gate.let_all();
  EXPECT_EQ(ask(current).status(), 429);
  slow_.gate.let_all();
  EXPECT_EQ(ask(current).body(), R"({"detail":"Denied too often: locked out for 60 seconds"})");
}

TEST_F(CurrentPolicyTest, WhatHasNothingToDoGoesAtOnce) {
  Current current(another());
  EXPECT_EQ(ask(current).status(), 200);
  for (int i = 0; i < 5; ++i) {
    current.replace(another());
    EXPECT_EQ(current.kept(), 0U);
  }
}

TEST_F(CurrentPolicyTest, GoesWithTheLastRequestThatHasIt) {
  Current current(another());
  std::shared_ptr<const Policy> first = current.get();
  std::shared_ptr<const Policy> second = first;
  current.replace(another());
  std::shared_ptr<const Policy> later = current.get();
  current.replace(another());
  EXPECT_EQ(current.kept(), 2U);
  first.reset();
  EXPECT_EQ(current.kept(), 2U);
  later.reset();
  EXPECT_EQ(current.kept(), 1U);
  EXPECT_EQ(second->generation(), 7);
  second.reset();
  EXPECT_EQ(current.kept(), 0U);
}

TEST_F(CurrentPolicyTest, GoesWhenItsLastDenialIsCounted) {
  Current current(another());
  for (int i = 0; i < 3; ++i) (void)ask(current);
  current.replace(another());
  EXPECT_EQ(current.kept(), 1U);
  slow_.gate.let_all();
  EXPECT_EQ(current.kept(), 0U);
}

TEST_F(CurrentPolicyTest, TakesDenialsThatAreBeingCountedAlong) {
  {
    Current current(another());
    for (int i = 0; i < 3; ++i) (void)ask(current);
    current.replace(another());
    (void)ask(current);
    ASSERT_TRUE(slow_.gate.has_waiting());
  }
  EXPECT_FALSE(slow_.gate.has_waiting());
}

TEST_F(CurrentPolicyTest, DrainsThoseBeforeToo) {
  Current current(another());
  for (int i = 0; i < 3; ++i) (void)ask(current);
  current.replace(another());
  bool drained = false;
  current.drain([&] { drained = true; });
  EXPECT_FALSE(drained);
  slow_.gate.let_all();
  EXPECT_TRUE(drained);
  bool at_once = false;
  current.drain([&] { at_once = true; });
  EXPECT_TRUE(at_once);
}

TEST_F(CurrentPolicyTest, DrainsAlsoWhereItIsReplacedMeanwhile) {
  Current current(another());
  for (int i = 0; i < 3; ++i) (void)ask(current);
  int drained = 0;
  current.drain([&] { ++drained; });
  current.replace(another());
  current.replace(another());
  EXPECT_EQ(drained, 0);
  slow_.gate.let_all();
  EXPECT_EQ(drained, 1);
  current.replace(another());
  EXPECT_EQ(drained, 1);
}

}  // namespace
}  // namespace sluice::policy
