#include "base/clock.h"

#include <gtest/gtest.h>

#include "manual_clock.h"

namespace sluice {
namespace {

using namespace std::chrono_literals;

TEST(ShiftedClockTest, GoesWithTheClockHereAndKeepsTheDifferenceThatWasLearnedLast) {
  ManualClock here;
  const TimePoint start = here.now();
  ShiftedClock there(here);
  EXPECT_EQ(there.now(), start) << "nothing is known yet";
  there.learn(start - 25h);
  EXPECT_EQ(there.now(), start - 25h);
  here.advance(7s);
  EXPECT_EQ(there.now(), start - 25h + 7s);
  there.learn(start + 25h);
  here.advance(1us);
  EXPECT_EQ(there.now(), start + 25h + 1us);
  here.advance(-3h);  // set back; until the next word from there nothing else is known
  there.learn(start);
  EXPECT_EQ(there.now(), start);
}

}  // namespace
}  // namespace sluice
