// What the script alone decides, and no other store shows: how long its keys live, and what it
// makes of keys that are not its own.
#include <gtest/gtest.h>

#include "conformance/redis_server.h"
#include "conformance/store_under_test.h"
#include "limits/algorithm.h"

namespace sluice::store {
namespace {

using limits::Algorithm;
using limits::Limit;
using limits::Unit;
using std::chrono::hours;

constexpr TimePoint kStart{hours(500'000)};

Limit limit(Algorithm algorithm) {
  Limit hourly{.name = "l", .rate = {12, {3, Unit::kHour}}};
  hourly.algorithm = algorithm;
  return hourly;
}

// The key lives for as long as the model keeps the bucket, whether it is new, charged again or
// charged by another limit; the few milliseconds that pass between are allowed for.
TEST(TakeScriptTest, AKeyLivesAsLongAsItsBucketSaysSomething) {
  const auto store = make_store_under_test("redis");
  for (const auto& [name, algorithm] : limits::kAlgorithmNames) {
    const Limit narrow = limit(algorithm);
    Limit wide = narrow;
    wide.rate = {20, {5, Unit::kHour}};
    struct Row {
      const Limit& limit;
      hours at;
      std::int64_t cost;
    };
    std::optional<limits::Bucket> model;
    for (const Row& row : std::vector<Row>{{narrow, hours(0), 3},
                                           {narrow, hours(1), 4},
                                           {narrow, hours(4), 2},
                                           {wide, hours(5), 1},
                                           {wide, hours(6), 1}}) {
      const TimePoint now = kStart + row.at;
      const limits::Step step = limits::take(model, row.limit, row.cost, now);
      ASSERT_TRUE(step.fits);
      model = step.after;
      ASSERT_TRUE(store->take({{std::string(name), &row.limit, row.cost}}, now).allowed);
      const auto lives = std::chrono::ceil<std::chrono::milliseconds>(step.keep_for);
      const auto left = store->lifetime(std::string(name));
      if (row.at == hours(1) || row.at == hours(6)) continue;  // may have been written in place
      EXPECT_LE(left, lives) << name << " at " << row.at.count();
      EXPECT_GE(left, lives - std::chrono::seconds(10)) << name << " at " << row.at.count();
    }
  }
}

}  // namespace
}  // namespace sluice::store
