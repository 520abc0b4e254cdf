// What the worker's loop has to itself: signals, and a thread for names.
#include "loop/loop.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "refused_syscall.h"

namespace sluice::loop {
namespace {

TEST(UvLoopTest, SignalsArriveInTheLoop) {
  Loop loop;
  int seen = 0;
  Signal signal(loop, SIGUSR2, [&] {
    ++seen;
    loop.stop();
  });
  raise(SIGUSR2);
  loop.run();
  EXPECT_EQ(seen, 1);
}

TEST(UvLoopTest, WithoutAThreadAnAddressIsKnownAndANameIsALookUpThatFails) {
  in_child([] {
    ASSERT_TRUE(refuse({SYS_clone3, EAGAIN}) && refuse({SYS_clone, EAGAIN}));
    Loop loop;
    for (const auto& [host, is_known] :
         {std::pair("127.0.0.1", true), std::pair("::1", true), std::pair("localhost", false),
          std::pair("1.2.3", true), std::pair("no.such.host", false)}) {
      std::string outcome;
      const Resolve look_up(loop, host, 6379, [&](const Result<std::vector<SocketAddress>>& found) {
        outcome = found ? "found" : found.error().detail;
      });
      loop.run();
      EXPECT_EQ(outcome, is_known ? "found" : "resource temporarily unavailable") << host;
    }
  });
}

}  // namespace
}  // namespace sluice::loop
