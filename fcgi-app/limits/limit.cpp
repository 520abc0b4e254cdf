#include "limits/limit.h"

#include <fmt/format.h>

namespace sluice::limits {
namespace {

struct UnitText {
  Unit unit;
  std::string_view word;    // singular
  std::string_view letter;  // after a count
  Duration length;
};

constexpr std::array<UnitText, 5> kUnits{{
    {Unit::kMillisecond, "millisecond", "ms", std::chrono::milliseconds(1)},
    {Unit::kSecond, "second", "s", std::chrono::seconds(1)},
    {Unit::kMinute, "minute", "m", std::chrono::minutes(1)},
    {Unit::kHour, "hour", "h", std::chrono::hours(1)},
    {Unit::kDay, "day", "d", std::chrono::days(1)},
}};

const UnitText& text_of(Unit unit) {
  return kUnits.at(static_cast<std::size_t>(unit));
}

}  // namespace

Duration Window::length() const {
  return text_of(unit).length * count;
}

std::string Window::text() const {
  return fmt::format("{} {}{}", count, text_of(unit).word, count == 1 ? "" : "s");
}

std::string Window::suffix() const {
  const UnitText& text = text_of(unit);
  return count == 1 ? std::string(text.word) : fmt::format("{}{}", count, text.letter);
}

std::string Limit::text() const {
  return fmt::format("{} per {}", rate.quota, rate.window.text());
}

std::string Limit::label() const {
  return fmt::format("{}_per_{}", name, rate.window.suffix());
}

}  // namespace sluice::limits
