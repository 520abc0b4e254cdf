#include "limiter/decision_ids.h"

#include <bit>
#include <set>

#include <gtest/gtest.h>

namespace sluice::limiter {
namespace {

TEST(DecisionIdsTest, NoIdComesTwiceInOneWorkerOrInTwo) {
  std::set<DecisionId> seen;
  DecisionIds one;
  DecisionIds other;
  for (int i = 0; i < 50'000; ++i) {
    EXPECT_TRUE(seen.insert(one.next()).second);
    EXPECT_TRUE(seen.insert(other.next()).second);
  }
}

// How many bits two ids differ in.
int distance(const DecisionId& a, const DecisionId& b) {
  int bits = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    bits += std::popcount(static_cast<unsigned>(a[i] ^ b[i]));
  return bits;
}

// Each bit of the next id is another with a probability of one half: 64 bits, give or take 5.7.
// Of a thousand pairs nine standard deviations would be seen in none.
TEST(DecisionIdsTest, AnIdTellsNothingOfTheNext) {
  DecisionIds ids;
  DecisionId last = ids.next();
  int sum = 0;
  for (int i = 0; i < 1000; ++i) {
    const DecisionId next = ids.next();
    const int bits = distance(last, next);
    EXPECT_GT(bits, 64 - 51);
    EXPECT_LT(bits, 64 + 51);
    sum += bits;
    last = next;
  }
  EXPECT_NEAR(sum, 64'000, 9 * 179);
}

// A worker that starts anew with the same pid, at the same moment, has other seeds.
TEST(DecisionIdsTest, NoTwoBeginAlike) {
  EXPECT_GT(distance(DecisionIds().next(), DecisionIds().next()), 13);
}

}  // namespace
}  // namespace sluice::limiter
