// The log: one JSON line per event, in one write each, so lines of several workers never mix.
//
// It never waits for whoever reads it. A line for which there is no room is lost and counted;
// before the next line that gets through, a line of its own says how many were: "log lines lost",
// `count`.
//
// A line is printable ASCII whatever its values hold (what is not comes out as \u00XX, byte by
// byte), and a value takes 1000 bytes at most; what is cut ends in "...".
//
// Never session ids, secrets or bodies. An error is logged once, where it is handled.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "telemetry/line_writer.h"

namespace sluice::telemetry {

enum class Level { kDebug, kInfo, kWarning, kError };

class Log {
 public:
  struct Options {
    Level level = Level::kInfo;
    std::string pool;  // in every line
  };
  using Field = std::pair<std::string_view, std::string_view>;

  // Writes to `fd`, which outlives the log.
  Log(int fd, const Clock& clock, Options options)
      : lines_(fd), clock_(clock), options_(std::move(options)) {}

  void write(Level level, std::string_view event, std::initializer_list<Field> fields = {});
  // The same whatever level is written: what somebody waits for who has asked for it.
  void answer(Level level, std::string_view event, std::initializer_list<Field> fields = {});

  void info(std::string_view event, std::initializer_list<Field> fields = {}) {
    write(Level::kInfo, event, fields);
  }
  void warning(std::string_view event, std::initializer_list<Field> fields = {}) {
    write(Level::kWarning, event, fields);
  }
  void error(std::string_view event, std::initializer_list<Field> fields = {}) {
    write(Level::kError, event, fields);
  }

 private:
  [[nodiscard]] std::string line(Level level, std::string_view event,
                                 std::initializer_list<Field> fields) const;

  LineWriter lines_;
  const Clock& clock_;
  Options options_;
  std::uint64_t lost_ = 0;  // lines that nobody was told of yet
};

}  // namespace sluice::telemetry
