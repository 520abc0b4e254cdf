#include "config/document/report.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/character.h"

namespace sluice::config {
namespace {

// A message quotes the file, which may hold anything: it must stay one line, and must not control
// the terminal that shows it.
std::string printable(std::string_view text) {
  std::string shown;
  while (!text.empty()) {
    const Character character = first_character(text);
    const auto code = static_cast<unsigned>(character.code);
    const bool seen = character.sight == Sight::kPlain || character.sight == Sight::kForeign;
    if (seen && code >= ' ') {
      shown += text.substr(0, character.size);
    } else {
      shown += code < 0x100 ? fmt::format("\\x{:02x}", code) : fmt::format("\\u{:04x}", code);
    }
    text.remove_prefix(character.size);
  }
  return shown;
}

}  // namespace

std::size_t Report::add_file(std::string_view shown) {
  const auto found = std::find(files_.begin(), files_.end(), shown);
  const auto index = static_cast<std::size_t>(found - files_.begin());
  if (found == files_.end()) files_.emplace_back(shown);
  return index;
}

std::string Report::text(Place place) const {
  const std::string& file = files_.at(place.file);
  return place.line == 0 ? file : fmt::format("{}:{}", file, place.line);
}

void Report::complain(Place place, std::string message) {
  add(complaints_, place, std::move(message));
}

void Report::warn(Place place, std::string message) {
  add(warnings_, place, std::move(message));
}

std::string Report::text() const {
  return lines(complaints_, "");
}

std::string Report::warnings() const {
  return lines(warnings_, "warning: ");
}

void Report::add(Messages& messages, Place place, std::string message) {
  auto& there = messages[place];
  if (std::find(there.begin(), there.end(), message) == there.end()) {
    there.push_back(std::move(message));
  }
}

std::string Report::lines(const Messages& messages, std::string_view kind) const {
  std::string all;
  for (const auto& [place, there] : messages) {
    for (const std::string& message : there) {
      all += fmt::format("{}{}: {}{}", all.empty() ? "" : "\n", printable(text(place)), kind,
                         printable(message));
    }
  }
  return all;
}

}  // namespace sluice::config
