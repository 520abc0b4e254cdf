// A log whose reader does not read: nobody waits, no line is torn, and what is lost is told.
#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/unique_fd.h"
#include "manual_clock.h"
#include "refused_syscall.h"
#include "telemetry/log.h"
#include "temporary_directory.h"

namespace sluice::telemetry {
namespace {

// Both ends of something to write to. The end of the log blocks, as what is inherited does.
struct Ends {
  UniqueFd read;
  UniqueFd write;
};

Ends make_pipe() {
  std::array<int, 2> fds{};
  EXPECT_EQ(::pipe2(fds.data(), O_CLOEXEC), 0);
  EXPECT_EQ(::fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);  // the read end's own flag
  return {UniqueFd(fds[0]), UniqueFd(fds[1])};
}

// With so little room that it takes long lines in parts.
Ends make_sockets() {
  std::array<int, 2> fds{};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.data()), 0);
  EXPECT_EQ(::fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
  const int least = 1;
  EXPECT_EQ(::setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &least, sizeof least), 0);
  return {UniqueFd(fds[0]), UniqueFd(fds[1])};
}

// All that is there to be read.
std::string drained(const UniqueFd& end) {
  std::string text;
  std::array<char, 65536> buffer{};
  for (;;) {
    const ssize_t size = ::read(end.get(), buffer.data(), buffer.size());
    if (size <= 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(size));
  }
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::size_t begin = 0;
  for (std::size_t end = 0; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
    lines.push_back(text.substr(begin, end - begin));
  }
  EXPECT_EQ(begin, text.size()) << "the last line has no end: " << text.substr(begin);
  return lines;
}

// The number in a field; -1 if there is none.
int number_in(std::string_view line, std::string_view field) {
  const std::string mark = std::string("\"").append(field).append("\":\"");
  const std::size_t at = line.find(mark);
  int number = -1;
  if (at == std::string_view::npos) return number;
  line.remove_prefix(at + mark.size());
  std::from_chars(line.data(), line.data() + line.size(), number);
  return number;
}

bool tells_of_loss(const std::string& line) {
  return line.find(R"("level":"warning","event":"log lines lost")") != std::string::npos;
}

class StuckLogTest : public testing::Test {
 protected:
  // Logs one line, of about this many bytes.
  static void say(Log& log, int number, std::size_t size) {
    const std::string text = std::to_string(number);
    const std::string part(size / 3, 'x');
    log.info("said", {{"number", text}, {"a", part}, {"b", part}, {"c", part}});
  }

  // Says much to a reader that reads now and then. Each line is there, in its order, or counted.
  void expect_whole_and_counted(const Ends& ends) {
    Log log(ends.write.get(), clock_, {});
    std::string text;
    int said = 0;
    for (const std::size_t size : {10U, 2'700U, 600U}) {
      for (int i = 0; i < 300; ++i) {
        say(log, said++, size);
        if (i % 97 == 96) text += drained(ends.read);
      }
    }
    for (int i = 0; i < 5; ++i) {  // until there is nothing left to tell
      text += drained(ends.read);
      say(log, said++, 10);
    }
    text += drained(ends.read);
    int seen = 0;
    int lost = 0;
    int last = -1;
    for (const std::string& line : lines_of(text)) {
      EXPECT_TRUE(line.starts_with("{\"time\":") && line.ends_with("\"}")) << line;
      if (tells_of_loss(line)) {
        lost += number_in(line, "count");
        continue;
      }
      ++seen;
      EXPECT_GT(number_in(line, "number"), last);
      last = number_in(line, "number");
      EXPECT_EQ(last, seen + lost - 1) << "the loss is told before the next line";
    }
    EXPECT_EQ(last, said - 1);
    EXPECT_EQ(seen + lost, said);
    EXPECT_GT(lost, 100);
    EXPECT_EQ(::fcntl(ends.write.get(), F_GETFL) & O_NONBLOCK, 0) << "others share this";
  }

  ManualClock clock_;
};

TEST_F(StuckLogTest, AFullPipeIsNotWaitedForAndTheLossIsTold) {
  const Ends ends = make_pipe();
  Log log(ends.write.get(), clock_, {Level::kError, "api1"});
  const auto fail = [&](int number) {
    const std::string text = std::to_string(number);
    log.error("failed", {{"number", text}});
  };
  const UniqueFd own(::open(("/proc/self/fd/" + std::to_string(ends.write.get())).c_str(),
                            O_WRONLY | O_NONBLOCK | O_CLOEXEC));
  while (::write(own.get(), "xxxxxxx\n", 8) > 0) {
  }
  for (int i = 0; i < 3; ++i) fail(i);
  log.info("below the level, so not lost");
  const auto before = lines_of(drained(ends.read));
  EXPECT_TRUE(std::all_of(before.begin(), before.end(),
                          [](const std::string& line) { return line == "xxxxxxx"; }));
  fail(3);
  fail(4);
  const auto after = lines_of(drained(ends.read));
  ASSERT_EQ(after.size(), 3U);
  EXPECT_EQ(after[0],
            R"({"time":"2027-01-15T08:00:00Z","level":"warning","event":"log lines lost",)"
            R"("pool":"api1","pid":")" +
                std::to_string(::getpid()) + R"(","count":"3"})");
  EXPECT_EQ(number_in(after[1], "number"), 3);
  EXPECT_EQ(number_in(after[2], "number"), 4);
}

TEST_F(StuckLogTest, EveryLineIsWholeAndThereOrCountedInAPipe) {
  expect_whole_and_counted(make_pipe());
}

TEST_F(StuckLogTest, EveryLineIsWholeAndThereOrCountedInASocket) {
  expect_whole_and_counted(make_sockets());
}

// Another user's pipe cannot be opened anew; and older kernels can be asked for room alone.
TEST_F(StuckLogTest, EveryLineIsWholeAndThereOrCountedInAnotherUsersPipe) {
  for (const bool is_old : {false, true}) {
    in_child([&] {
      if (!refuse({SYS_openat, EACCES})) return;
      if (is_old && !refuse({SYS_pwritev2, EOPNOTSUPP})) return;
      expect_whole_and_counted(make_pipe());
    });
  }
}

TEST_F(StuckLogTest, WhatAFileHasNoRoomForIsLostToo) {
  const UniqueFd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  Log log(full.get(), clock_, {});
  say(log, 0, 10);
  const TemporaryDirectory directory;
  const std::string path = directory.path() + "/log";
  const UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  ASSERT_EQ(::dup3(file.get(), full.get(), O_CLOEXEC), full.get());
  say(log, 1, 10);
  const UniqueFd written(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  const auto lines = lines_of(drained(written));
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(number_in(lines[0], "count"), 1);
  EXPECT_EQ(number_in(lines[1], "number"), 1);
}

}  // namespace
}  // namespace sluice::telemetry
