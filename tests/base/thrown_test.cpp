#include "base/thrown.h"

#include <stdexcept>
#include <string>

#include <gtest/gtest.h>

namespace sluice {
namespace {

template <class Exception>
std::string told_of(const Exception& exception) {
  try {
    throw exception;
  } catch (...) {
    return std::string(thrown());
  }
}

TEST(ThrownTest, AnExceptionSaysWhatItIs) {
  EXPECT_EQ(told_of(std::runtime_error("a reason")), "a reason");
}

TEST(ThrownTest, WhatIsNoExceptionIsOneAllTheSame) {
  EXPECT_EQ(told_of(42), "an exception of no known type");
}

}  // namespace
}  // namespace sluice
