#include "config/report.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/character.h"

namespace sluice::config {
namespace {

// Files quote what they like: a complaint stays one line, and tells a terminal nothing.
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
  auto& messages = complaints_[place];
  if (std::find(messages.begin(), messages.end(), message) == messages.end()) {
    messages.push_back(std::move(message));
  }
}

std::string Report::text() const {
  std::string all;
  for (const auto& [place, messages] : complaints_) {
    for (const std::string& message : messages) {
      all += fmt::format("{}{}: {}", all.empty() ? "" : "\n", printable(text(place)),
                         printable(message));
    }
  }
  return all;
}

}  // namespace sluice::config
