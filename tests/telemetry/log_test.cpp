#include "telemetry/log.h"

#include <algorithm>
#include <array>

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "manual_clock.h"

namespace sluice::telemetry {
namespace {

std::string logged(Level threshold, Level level, std::string_view value) {
  std::array<int, 2> pipe_fds{};
  EXPECT_EQ(pipe2(pipe_fds.data(), O_NONBLOCK), 0);
  const ManualClock clock;
  Log log(pipe_fds[1], clock, {threshold, "api1"});
  log.write(level, "store is down", {{"reason", value}});
  close(pipe_fds[1]);
  std::array<char, 4096> buffer{};
  const ssize_t size = read(pipe_fds[0], buffer.data(), buffer.size());
  close(pipe_fds[0]);
  return {buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))};
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

TEST(LogTest, IsAsciiAndJsonForEveryByteThereIs) {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string line =
        logged(Level::kInfo, Level::kInfo, std::string(1, static_cast<char>(byte)));
    ASSERT_EQ(line.back(), '\n');
    EXPECT_TRUE(std::all_of(line.begin(), line.end() - 1, [](char c) {
      return c >= 0x20 && c < 0x7f;
    })) << line;
    const bool stands = byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
    const std::string shown = stands ? std::string(1, static_cast<char>(byte))
                              : byte == '"' || byte == '\\'
                                  ? std::string{'\\', static_cast<char>(byte)}
                                  : fmt::format("\\u{:04x}", byte);
    EXPECT_TRUE(line.ends_with(",\"reason\":\"" + shown + "\"}\n")) << line;
  }
  // U+2028, a line's end to JavaScript; half of a character; a direction override.
  EXPECT_NE(logged(Level::kInfo, Level::kInfo, "\xe2\x80\xa8\xe2\x80\xe2\x80\xae")
                .find("\\u00e2\\u0080\\u00a8\\u00e2\\u0080\\u00e2\\u0080\\u00ae"),
            std::string::npos);
}

TEST(LogTest, CutsAValueThatIsVeryLongAndNeverWithinAnEscape) {
  const auto value_of = [](const std::string& text) {
    const std::string line = logged(Level::kInfo, Level::kInfo, text);
    const std::size_t begin = line.find("\"reason\":\"") + 10;
    return line.substr(begin, line.size() - begin - 3);
  };
  EXPECT_EQ(value_of(std::string(900, 'x')), std::string(900, 'x'));
  for (std::size_t prefix = 0; prefix < 6; ++prefix) {
    const std::string shown = value_of(std::string(prefix, 'x') + std::string(100'000, '\x1b'));
    EXPECT_LE(shown.size(), 1000U);
    EXPECT_GT(shown.size(), 980U);
    EXPECT_TRUE(shown.ends_with("\\u001b...")) << shown;
  }
}

TEST(LogTest, LeavesOutWhatIsBelowItsLevel) {
  EXPECT_EQ(logged(Level::kWarning, Level::kInfo, "x"), "");
}

}  // namespace
}  // namespace sluice::telemetry
