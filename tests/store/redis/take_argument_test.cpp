#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "store/redis/take_call.h"

namespace sluice::store {
namespace {

using limits::Bar;
using limits::Charge;
using limits::Limit;

const TimePoint kAnyTime{std::chrono::seconds(1'800'000'000)};
const Limit kTenSeconds{.name = "chat", .rate = {8, {10, limits::Unit::kSecond}}};
const Limit kSameFigures{.name = "other", .rate = {8, {10, limits::Unit::kSecond}}};
const Limit kOneDay{.name = "day", .rate = {100, {1, limits::Unit::kDay}}};

std::vector<std::string_view> keys_of(const TakeArgument& argument) {
  std::vector<std::string_view> keys;
  argument.append_keys(keys);
  EXPECT_EQ(keys.size(), argument.key_count());
  return keys;
}

TEST(TakeArgumentTest, EachKeyIsSentOnceBucketsFirst) {
  const std::vector<Charge> first{{"a", &kTenSeconds, 1}, {"b", &kOneDay, 1}};
  const std::vector<Charge> second{{"c", &kTenSeconds, 1}, {"a", &kTenSeconds, 1}};
  const std::vector<Bar> bars{{"x"}};
  TakeArgument argument{kAnyTime, kAnyTime};
  argument.add({first, bars});
  argument.add({second, bars});
  EXPECT_EQ(keys_of(argument), (std::vector<std::string_view>{"a", "b", "c", "x"}));
}

// The most of a batch: the table of keys has to grow several times.
TEST(TakeArgumentTest, ManyKeysKeepTheirNumbers) {
  std::vector<std::vector<Charge>> asks;
  std::vector<std::string> expected;
  for (int i = 0; i < 64; ++i) {
    std::vector<Charge>& charges = asks.emplace_back();
    for (int k = 0; k < 8; ++k) {
      expected.push_back("key " + std::to_string(i) + " " + std::to_string(k));
      charges.push_back({expected.back(), &kTenSeconds, 1});
    }
  }
  TakeArgument once{kAnyTime, kAnyTime};
  for (const auto& charges : asks) once.add({charges});
  const auto keys = keys_of(once);
  EXPECT_TRUE(std::equal(keys.begin(), keys.end(), expected.begin(), expected.end()));

  TakeArgument twice{kAnyTime, kAnyTime};
  for (int round = 0; round < 2; ++round) {
    for (const auto& charges : asks) twice.add({charges});
  }
  EXPECT_EQ(keys_of(twice).size(), expected.size());
  const std::string text = once.text();
  const std::size_t decisions = std::size_t{64} * (3 + 8 * 8);
  EXPECT_EQ(twice.text(), text + text.substr(text.size() - decisions));
}

TEST(TakeArgumentTest, LimitsThatReadAlikeAreSentOnce) {
  const std::vector<Charge> charges{
      {"a", &kTenSeconds, 1}, {"b", &kOneDay, 1}, {"c", &kSameFigures, 1}, {"d", &kOneDay, 1}};
  const std::vector<Charge> plain{{"a", &kTenSeconds, 1}, {"b", &kOneDay, 1}};
  TakeArgument with{kAnyTime, kAnyTime};
  TakeArgument without{kAnyTime, kAnyTime};
  with.add({charges});
  without.add({plain});
  EXPECT_EQ(with.text().size(), without.text().size() + std::size_t{2} * 8);
}

}  // namespace
}  // namespace sluice::store
