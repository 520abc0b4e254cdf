#include "base/linked_list.h"

#include <memory>
#include <vector>

#include <gtest/gtest.h>

namespace sluice {
namespace {

struct Number : Linked {
  explicit Number(int number) : value(number) {}
  int value;
};

std::vector<int> taken_from(LinkedList<Number>& list) {
  std::vector<int> values;
  while (!list.empty()) values.push_back(list.pop_front().value);
  return values;
}

TEST(LinkedListTest, KeepsTheOrder) {
  LinkedList<Number> list;
  Number one(1);
  Number two(2);
  EXPECT_TRUE(list.empty());
  list.push_back(one);
  list.push_back(two);
  EXPECT_TRUE(one.is_linked());
  EXPECT_EQ(taken_from(list), (std::vector<int>{1, 2}));
  EXPECT_FALSE(one.is_linked());
}

TEST(LinkedListTest, AnObjectThatGoesLeavesItsList) {
  LinkedList<Number> list;
  std::vector<std::unique_ptr<Number>> numbers;
  for (int i = 0; i < 5; ++i) {
    numbers.push_back(std::make_unique<Number>(i));
    list.push_back(*numbers.back());
  }
  for (const std::size_t gone : {0U, 2U, 4U}) numbers[gone].reset();
  numbers[1]->unlink();
  numbers[1]->unlink();
  EXPECT_EQ(taken_from(list), std::vector<int>{3});
}

TEST(LinkedListTest, AListThatGoesLeavesItsObjectsBehind) {
  Number one(1);
  Number two(2);
  {
    LinkedList<Number> list;
    list.push_back(one);
    list.push_back(two);
  }
  two.unlink();
  LinkedList<Number> next;
  one.unlink();
  next.push_back(one);
  EXPECT_EQ(taken_from(next), std::vector<int>{1});
}

}  // namespace
}  // namespace sluice
