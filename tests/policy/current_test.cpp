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
  CurrentPolicyTest() { rules_.penalty.after = 1; }

  [[nodiscard]] std::shared_ptr<const Policy> another() {
    return test_policy(rules_, services_, slow_, newcomers_);
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

TEST_F(CurrentPolicyTest, WhatHasNothingToDoGoesAtTheNextReplacement) {
  Current current(another());
  for (int i = 0; i < 5; ++i) current.replace(another());
  EXPECT_EQ(current.kept(), 1U);
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

}  // namespace
}  // namespace sluice::policy
