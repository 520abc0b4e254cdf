#include "telemetry/log.h"

#include <array>

#include <gtest/gtest.h>
#include <unistd.h>

#include "manual_clock.h"

namespace sluice::telemetry {
namespace {

std::string logged(Level threshold, Level level, std::string_view value) {
  std::array<int, 2> pipe_fds{};
  EXPECT_EQ(pipe(pipe_fds.data()), 0);
  const ManualClock clock;
  Log log(pipe_fds[1], clock, {threshold, "api1"});
  log.write(level, "store is down", {{"reason", value}});
  close(pipe_fds[1]);
  std::array<char, 4096> buffer{};
  const ssize_t size = read(pipe_fds[0], buffer.data(), buffer.size());
  close(pipe_fds[0]);
  return {buffer.data(), static_cast<std::size_t>(size)};
}

TEST(LogTest, WritesOneJsonLine) {
  EXPECT_EQ(logged(Level::kInfo, Level::kError, "no route"),
            R"({"time":"2027-01-15T08:00:00Z","level":"error","event":"store is down",)"
            R"("pool":"api1","pid":")" +
                std::to_string(getpid()) + "\",\"reason\":\"no route\"}\n");
}

TEST(LogTest, EscapesWhatCouldBreakALineOrATerminal) {
  const std::string line = logged(Level::kInfo, Level::kInfo, "a\"b\\c\r\n\x1b[31m\xff");
  EXPECT_NE(line.find(R"("reason":"a\"b\\c\u000d\u000a\u001b[31m\u00ff")"), std::string::npos)
      << line;
}

TEST(LogTest, LeavesOutWhatIsBelowItsLevel) {
  EXPECT_EQ(logged(Level::kWarning, Level::kInfo, "x"), "");
}

}  // namespace
}  // namespace sluice::telemetry
