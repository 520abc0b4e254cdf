// What loop/loop.h promises, of whichever implementation is linked: sluice_tests runs this over the
// worker's, sluice_core_test over core/epoll_loop.cpp, sluice_nginx_test over
// nginx/module/loop.cpp, inside nginx.
#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <string>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/unique_fd.h"
#include "loop/loop.h"

namespace sluice::loop {
namespace {

TEST(LoopContractTest, TimersFireByTheTimeOfEachAndAStoppedOneDoesNot) {
  Loop loop;
  std::string order;
  std::array<std::unique_ptr<Timer>, 4> timers;
  for (std::size_t i = 0; i < timers.size(); ++i) {
    timers[i] = std::make_unique<Timer>(loop, [&, i] {
      order += std::to_string(i);
      if (i == 3) loop.stop();
    });
  }
  Timer never(loop, [&] { order += 'x'; });
  for (const int i : {2, 0, 3, 1}) {
    timers[static_cast<std::size_t>(i)]->start(Milliseconds(1 + i));
  }
  never.start(Milliseconds(1));
  never.stop();
  loop.run();
  EXPECT_EQ(order, "0123");
}

TEST(LoopContractTest, ReadinessReportsWhatWasAskedForAndPauses) {
  Loop loop;
  std::array<int, 2> pair{};
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair.data()), 0);
  int reads = 0;
  Readiness readiness(loop, pair[0], [&](Readiness::Events ready) {
    EXPECT_EQ(ready, Readiness::kRead);
    if (++reads < 2) return;
    EXPECT_TRUE(readiness.watch(Readiness::kNone));
  });
  ASSERT_TRUE(readiness.watch(Readiness::kRead));
  ASSERT_EQ(write(pair[1], "x", 1), 1);
  loop.run();  // level-triggered: the unread byte is reported until nobody watches
  EXPECT_EQ(reads, 2);
  close(pair[0]);
  close(pair[1]);
}

TEST(LoopContractTest, ADescriptorThatCannotBeWatchedIsAnErrorAndTheLoopGoesOn) {
  Loop loop;
  const UniqueFd file(::open("/dev/zero", O_RDONLY | O_CLOEXEC));  // EPERM: no file can be
  Readiness readiness(loop, file.get(), [](Readiness::Events /*ready*/) { FAIL(); });
  for (const auto wanted : {Readiness::kRead, Readiness::kWrite, Readiness::kReadWrite}) {
    const auto watched = readiness.watch(wanted);
    ASSERT_FALSE(watched);
    EXPECT_EQ(watched.error().detail, "Operation not permitted");
  }
  EXPECT_TRUE(readiness.watch(Readiness::kNone));
  bool fired = false;
  Timer timer(loop, [&] { fired = true; });
  timer.start(Milliseconds(1));
  loop.run();
  EXPECT_TRUE(fired);
}

TEST(LoopContractTest, WhatCameBeforeAHangUpIsToldOfFirst) {
  Loop loop;
  std::array<int, 2> pair{};
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair.data()), 0);
  const UniqueFd mine(pair[0]);
  UniqueFd theirs(pair[1]);
  ASSERT_EQ(write(theirs.get(), "x", 1), 1);
  theirs.reset();
  Readiness readiness(loop, mine.get(), [&](Readiness::Events ready) {
    EXPECT_EQ(ready, Readiness::kRead);
    EXPECT_TRUE(readiness.watch(Readiness::kNone));
  });
  ASSERT_TRUE(readiness.watch(Readiness::kRead));
  loop.run();
}

// The second socket is ready in the same turn, and its number goes to a third.
TEST(LoopContractTest, AReadinessThatIsDestroyedInATurnIsNotToldAnyMore) {
  Loop loop;
  std::array<int, 4> ends{};
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()), 0);
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data() + 2), 0);
  std::array<std::unique_ptr<Readiness>, 3> watches;
  int told = 0;
  const auto on_ready = [&](std::size_t self) {
    ++told;
    const std::size_t other = 1 - self;
    watches[other].reset();
    watches[2] = std::make_unique<Readiness>(loop, ends[2 * other],
                                             [](Readiness::Events /*ready*/) { FAIL(); });
    EXPECT_TRUE(watches[2]->watch(Readiness::kWrite));
    watches[self].reset();
    loop.stop();
  };
  for (std::size_t i = 0; i < 2; ++i) {
    watches[i] = std::make_unique<Readiness>(
        loop, ends[2 * i], [&on_ready, i](Readiness::Events /*ready*/) { on_ready(i); });
    ASSERT_TRUE(watches[i]->watch(Readiness::kRead));
    ASSERT_EQ(write(ends[2 * i + 1], "x", 1), 1);
  }
  loop.run();
  EXPECT_EQ(told, 1);
  watches = {};
  for (const int end : ends) close(end);
}

TEST(LoopContractTest, AHandleMayBeDestroyedInItsOwnCallbackWhichRunsOn) {
  Loop loop;
  int seen = 0;
  std::unique_ptr<Timer> timer;
  timer = std::make_unique<Timer>(loop, [&, captured = 7] {
    timer.reset();
    seen = captured;
  });
  timer->start(Milliseconds(0), Milliseconds(1));
  loop.run();
  EXPECT_EQ(timer, nullptr);
  EXPECT_EQ(seen, 7);
}

TEST(LoopContractTest, ATimerThatIsDestroyedWhenItIsDueIsNotToldAnyMore) {
  Loop loop;
  int told = 0;
  std::array<std::unique_ptr<Timer>, 2> timers;
  for (auto& timer : timers) {
    timer = std::make_unique<Timer>(loop, [&] {
      ++told;
      timers = {};
    });
    timer->start(Milliseconds(1));
  }
  loop.run();
  EXPECT_EQ(told, 1);
}

TEST(LoopContractTest, AFlushMayDestroyItselfAndTheNext) {
  Loop loop;
  int flushes = 0;
  std::array<std::unique_ptr<BeforeWait>, 2> all;
  for (auto& one : all) {
    one = std::make_unique<BeforeWait>(loop, [&] {
      ++flushes;
      all = {};
    });
  }
  Timer end(loop, [] {});
  end.start(Milliseconds(1));
  loop.run();
  EXPECT_EQ(flushes, 1);
}

TEST(LoopContractTest, BeforeWaitRunsEachTurnBeforeTheLoopWaits) {
  Loop loop;
  int flushes = 0;
  BeforeWait flush(loop, [&] { ++flushes; });
  Timer timer(loop, [&] { loop.stop(); });
  timer.start(Milliseconds(2));
  loop.run();
  EXPECT_GE(flushes, 1);
}

// All of them are ready in the first wait; who is told first of them is the loop's business.
TEST(LoopContractTest, AFlushComesAfterAllThatWasReadyInTheTurn) {
  Loop loop;
  std::array<int, 4> ends{};
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()), 0);
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data() + 2), 0);
  std::string order;
  const BeforeWait flush(loop, [&] { order += 'f'; });
  std::array<std::unique_ptr<Readiness>, 2> watches;
  for (std::size_t i = 0; i < watches.size(); ++i) {
    watches[i] =
        std::make_unique<Readiness>(loop, ends[2 * i], [&, i](Readiness::Events /*ready*/) {
          order += 'r';
          watches[i].reset();
        });
    ASSERT_TRUE(watches[i]->watch(Readiness::kRead));
    ASSERT_EQ(write(ends[2 * i + 1], "x", 1), 1);
  }
  Timer due(loop, [&] { order += 't'; });
  due.start(Milliseconds(0));
  Timer end(loop, [&] { loop.stop(); });
  end.start(Milliseconds(2));
  loop.run();
  std::string first = order.substr(order.starts_with('f') ? 1 : 0);  // of the turn before, if any
  first.resize(std::min(first.find('f'), first.size()));
  std::sort(first.begin(), first.end());
  EXPECT_EQ(first, "rrt") << order;
  for (const int fd : ends) close(fd);
}

TEST(LoopContractTest, ResolvesNumericAddressesAndSaysWhatIsNone) {
  Loop loop;
  std::string outcome;
  const Resolve good(loop, "127.0.0.1", 6379, [&](const Result<std::vector<SocketAddress>>& found) {
    outcome = found && !found->empty() && found->front().family == AF_INET ? "found" : "lost";
  });
  loop.run();
  EXPECT_EQ(outcome, "found");
  const Resolve bad(loop, "no host", 1, [&](const Result<std::vector<SocketAddress>>& found) {
    outcome = found ? "found" : "lost";
  });
  loop.run();
  EXPECT_EQ(outcome, "lost");
}

// No name server is asked for these.
TEST(LoopContractTest, ANameThatCannotBeAskedForIsALookUpThatFails) {
  Loop loop;
  for (const std::string& name : {std::string("h\xff"), std::string("\xc3"), std::string("a\xc0z"),
                                  std::string(300, 'x'), std::string(5'000, 'x')}) {
    std::string outcome;
    std::unique_ptr<Resolve> look_up;
    look_up = std::make_unique<Resolve>(loop, name, 6379,
                                        [&](const Result<std::vector<SocketAddress>>& found) {
                                          outcome = found ? "found" : found.error().detail;
                                          look_up.reset();
                                        });
    EXPECT_EQ(outcome, "") << "called back from within the constructor";
    loop.run();
    EXPECT_NE(outcome, "found") << name.size();
    EXPECT_NE(outcome, "") << name.size();
  }
}

TEST(LoopContractTest, AnAbandonedLookUpCallsNobody) {
  Loop loop;
  bool called = false;
  for (const char* name : {"127.0.0.1", "h\xff"}) {
    const Resolve abandoned(
        loop, name, 1, [&](const Result<std::vector<SocketAddress>>& /*found*/) { called = true; });
  }
  loop.run();
  EXPECT_FALSE(called);
}

TEST(LoopContractTest, AStopAfterTheLastRunKeepsNoHandleAlive) {
  const auto kept = std::make_shared<int>();
  {
    Loop loop;
    const Timer timer(loop, [kept] {});
    loop.stop();
  }
  EXPECT_EQ(kept.use_count(), 1);
}

}  // namespace
}  // namespace sluice::loop
