#include "telemetry/names.h"

#include <set>
#include <vector>

#include <gtest/gtest.h>

namespace sluice::telemetry {
namespace {

class NamesTest : public testing::Test {
 protected:
  std::vector<Word> words_ = std::vector<Word>(Names::kPlaces * Names::kWords);
  Names names_{words_};
};

TEST_F(NamesTest, ANameHasOneNumberForAllWhoAsk) {
  Names others(words_);
  const std::size_t chat = names_.number({"chat"});
  EXPECT_LT(chat, Names::kPlaces);
  EXPECT_EQ(others.number({"chat"}), chat);
  EXPECT_EQ(others.number({"ch", "", "at"}), chat);
  EXPECT_NE(others.number({"chats"}), chat);
  EXPECT_EQ(others.text(chat), "chat");
}

TEST_F(NamesTest, ANumberThatNobodyHasIsNoName) {
  for (std::size_t number = 0; number < Names::kPlaces; ++number) {
    EXPECT_EQ(names_.text(number), "");
  }
}

TEST_F(NamesTest, WhatIsCalledOtherIsCountedWithAllOthers) {
  EXPECT_EQ(names_.number({"other"}), Names::kOther);
  EXPECT_EQ(names_.text(Names::kOther), "other");
}

TEST_F(NamesTest, BeyondTheMostEachNameIsAnother) {
  std::set<std::size_t> numbers;
  for (std::size_t i = 0; i < Names::kMost; ++i) numbers.insert(names_.number({std::to_string(i)}));
  EXPECT_EQ(numbers.size(), Names::kMost);
  EXPECT_FALSE(numbers.contains(Names::kOther));
  Names late(words_);
  for (Names* names : {&names_, &late}) {
    EXPECT_EQ(names->number({"one more"}), Names::kOther);
    EXPECT_LT(names->number({"7"}), Names::kOther);
    EXPECT_EQ(names->text(names->number({"95"})), "95");
  }
}

TEST_F(NamesTest, ALongNameIsCut) {
  const std::size_t number = names_.number({std::string(1000, 'x')});
  EXPECT_EQ(names_.text(number), std::string(Names::kMaxBytes, 'x'));
  EXPECT_NE(names_.number({std::string(1001, 'x')}), number);
}

// Its hash stands, and its text does not.
TEST_F(NamesTest, ANameWhoseWorkerDiedIsWrittenByTheNext) {
  const std::size_t number = names_.number({"chat"});
  words_[number * Names::kWords + 1] = 0;
  EXPECT_EQ(names_.text(number), "");
  EXPECT_EQ(names_.number({"chat"}), number);
  EXPECT_EQ(names_.text(number), "chat");
}

}  // namespace
}  // namespace sluice::telemetry
