#include "base/recycled.h"

#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace sluice {
namespace {

class RecycledTest : public testing::Test {
 protected:
  void TearDown() override { shelves_.clear(); }

  Shelves shelves_;
};

TEST_F(RecycledTest, WhatIsGivenIsTakenAgainByTheNextOfAboutItsSize) {
  void* const first = shelves_.take(300);
  shelves_.give(first, 300);
  void* const other = shelves_.take(600);
  void* const again = shelves_.take(290);
  EXPECT_NE(other, first);
  EXPECT_EQ(again, first);
  shelves_.give(other, 600);
  shelves_.give(again, 290);
}

// AddressSanitizer sees who writes beyond what is his.
TEST_F(RecycledTest, WhateverIsTakenHasItsSizeAndIsNobodyElses) {
  std::vector<std::pair<char*, std::size_t>> taken;
  const auto take = [&](std::size_t size) {
    auto* const memory = static_cast<char*>(shelves_.take(size));
    std::memset(memory, static_cast<int>(size % 251), size);
    taken.emplace_back(memory, size);
  };
  for (int round = 0; round < 3; ++round) {
    for (std::size_t size = 1; size < 2500; size += 7) take(size);
    for (const auto& [memory, size] : taken) {
      const std::string expected(size, static_cast<char>(size % 251));
      EXPECT_EQ(std::memcmp(memory, expected.data(), size), 0) << size;
      shelves_.give(memory, size);
    }
    taken.clear();
  }
}

TEST_F(RecycledTest, OfAFloodLittleIsKept) {
  std::vector<void*> taken(1000);
  for (void*& memory : taken) memory = shelves_.take(64);
  for (void* const memory : taken) shelves_.give(memory, 64);
  EXPECT_GT(shelves_.kept(), 0);
  EXPECT_LT(shelves_.kept(), 500);
}

TEST_F(RecycledTest, NothingLongIsKept) {
  shelves_.give(shelves_.take(1'000'000), 1'000'000);
  EXPECT_EQ(shelves_.kept(), 0);
}

}  // namespace
}  // namespace sluice
