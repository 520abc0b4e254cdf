#include "telemetry/exposition.h"

#include <fmt/format.h>

namespace sluice::telemetry {
namespace {

// A help has no quotes around it, so one in it is text.
void append_escaped(std::string& text, std::string_view value, bool is_quoted) {
  for (const char c : value) {
    if (c == '\n') {
      text += "\\n";
      continue;
    }
    if (c == '\\' || (is_quoted && c == '"')) text += '\\';
    text += c;
  }
}

}  // namespace

void Exposition::metric(std::string_view name, std::string_view type, std::string_view help) {
  name_ = name;
  text_.append("# HELP ").append(name).append(" ");
  append_escaped(text_, help, false);
  text_.append("\n# TYPE ").append(name).append(" ").append(type).append("\n");
}

void Exposition::begin_sample(Labels labels, std::string_view suffix) {
  text_.append(name_).append(suffix);
  char before = '{';
  for (const auto& [name, value] : labels) {
    text_ += before;
    text_.append(name).append("=\"");
    append_escaped(text_, value, true);
    text_ += '"';
    before = ',';
  }
  text_.append(labels.size() == 0 ? " " : "} ");
}

void Exposition::sample(Labels labels, std::uint64_t value, std::string_view suffix) {
  begin_sample(labels, suffix);
  text_.append(fmt::to_string(value)).append("\n");
}

void Exposition::sample_seconds(std::uint64_t microseconds, std::string_view suffix) {
  begin_sample({}, suffix);
  text_.append(seconds_text(microseconds)).append("\n");
}

std::string seconds_text(std::uint64_t microseconds) {
  constexpr std::uint64_t kMicro = 1'000'000;
  std::string text = fmt::format("{}.{:06}", microseconds / kMicro, microseconds % kMicro);
  text.resize(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

}  // namespace sluice::telemetry
