#include "telemetry/log.h"

#include <array>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

namespace sluice::telemetry {
namespace {

constexpr std::array<std::string_view, 4> kLevelNames{"debug", "info", "warning", "error"};

// Three values, all cut and all escaped, with the rest of their line: less than PIPE_BUF, up to
// which a write is not torn.
constexpr std::size_t kMaxValueBytes = 1000;
constexpr std::size_t kMaxEscapeBytes = 6;
constexpr std::string_view kCut = "...";

// Every byte of a log line is printable ASCII: what is not comes out as \u00XX. What is longer than
// the bound is cut between two of its bytes.
void append_string(std::string& line, std::string_view text) {
  line += '"';
  const std::size_t most = line.size() + kMaxValueBytes;
  for (const char c : text) {
    if (line.size() + kMaxEscapeBytes + kCut.size() > most) {
      line += kCut;
      break;
    }
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      line += '\\';
      line += c;
    } else if (byte < 0x20 || byte >= 0x7f) {
      line += fmt::format("\\u{:04x}", byte);
    } else {
      line += c;
    }
  }
  line += '"';
}

void append_field(std::string& line, std::string_view name, std::string_view value) {
  line += line.size() == 1 ? "" : ",";
  append_string(line, name);
  line += ':';
  append_string(line, value);
}

}  // namespace

std::string Log::line(Level level, std::string_view event,
                      std::initializer_list<Field> fields) const {
  std::string line = "{";
  append_field(line, "time", fmt::format("{:%Y-%m-%dT%H:%M:%S}Z", clock_.now()));
  append_field(line, "level", kLevelNames.at(static_cast<std::size_t>(level)));
  append_field(line, "event", event);
  append_field(line, "pool", options_.pool);
  append_field(line, "pid", fmt::to_string(getpid()));
  for (const auto& [name, value] : fields) append_field(line, name, value);
  line += "}\n";
  return line;
}

void Log::write(Level level, std::string_view event, std::initializer_list<Field> fields) {
  if (level >= options_.level) answer(level, event, fields);
}

void Log::answer(Level level, std::string_view event, std::initializer_list<Field> fields) {
  if (lost_ > 0) {
    const std::string count = fmt::to_string(lost_);
    if (lines_.write(line(Level::kWarning, "log lines lost", {{"count", count}}))) lost_ = 0;
  }
  if (lost_ > 0 || !lines_.write(line(level, event, fields))) ++lost_;
}

}  // namespace sluice::telemetry
