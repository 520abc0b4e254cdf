#include "redis/script.h"

#include <gtest/gtest.h>

namespace sluice::redis {
namespace {

// As redis-cli's SCRIPT LOAD says it; the first is of FIPS 180, the second in Redis's own manual.
TEST(ScriptTest, ItsShaIsTheOneThatRedisKnowsItBy) {
  EXPECT_EQ(Script("abc").sha(), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(Script("return 1").sha(), "e0e1f9fabfc9d4800c877a703b823ac0578ff8db");
}

}  // namespace
}  // namespace sluice::redis
