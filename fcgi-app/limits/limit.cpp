#include "limits/limit.h"

#include <algorithm>

#include <fmt/format.h>

#include "limits/arithmetic.h"

namespace sluice::limits {
namespace {

struct UnitText {
  Unit unit;
  std::string_view word;    // singular
  std::string_view letter;  // after a count
  Duration length;
};

constexpr std::array<UnitText, 8> kUnits{{
    {Unit::kMillisecond, "millisecond", "ms", std::chrono::milliseconds(1)},
    {Unit::kSecond, "second", "s", std::chrono::seconds(1)},
    {Unit::kMinute, "minute", "m", std::chrono::minutes(1)},
    {Unit::kHour, "hour", "h", std::chrono::hours(1)},
    {Unit::kDay, "day", "d", std::chrono::days(1)},
    {Unit::kWeek, "week", "w", std::chrono::days(7)},
    {Unit::kMonth, "month", "mo", std::chrono::days(30)},
    {Unit::kYear, "year", "y", std::chrono::days(360)},
}};

const UnitText& text_of(Unit unit) {
  return kUnits.at(static_cast<std::size_t>(unit));
}

// Whether a calendar has periods that are called so long.
bool is_calendar_period(Duration window) {
  return std::any_of(kUnits.begin(), kUnits.end(), [&](const UnitText& text) {
    return text.unit >= Unit::kDay && text.length == window;
  });
}

// In doubles: the product of capacity and window may not fit an integer.
bool drains_in_time(const Terms& terms) {
  if (!is_bucket(terms.algorithm)) return true;
  const auto fill = static_cast<double>(terms.capacity) /
                    static_cast<double>(std::max<std::int64_t>(1, terms.quota));
  return fill * static_cast<double>(terms.window.count()) <= static_cast<double>(kMaxDrain.count());
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

Duration tick_of(const Terms& terms) {
  // A fixed window and a log count whole units alone.
  if (!is_bucket(terms.algorithm) && terms.algorithm != Algorithm::kSlidingWindow)
    return Duration(1);
  const std::int64_t most = kMaxProduct / std::max<std::int64_t>(1, terms.capacity);
  Duration tick(1);
  while (terms.window / tick > most) tick *= 10;
  return tick;
}

bool is_possible(const Terms& terms) {
  const bool is_log = terms.algorithm == Algorithm::kSlidingLog;
  const bool is_fixed = terms.algorithm == Algorithm::kFixedWindow;
  const bool has_burst = is_bucket(terms.algorithm) && terms.quota > 0 && terms.capacity > 0;
  return terms.quota >= 0 && terms.quota <= (is_log ? kMaxLogQuota : kMaxQuota) &&
         terms.capacity <= kMaxQuota && (terms.capacity == terms.quota || has_burst) &&
         terms.window > Duration::zero() && terms.window <= kMaxWindow &&
         terms.window % text_of(Unit::kMillisecond).length == Duration::zero() &&
         terms.window % terms.tick == Duration::zero() && drains_in_time(terms) &&
         (terms.alignment == Alignment::kFirstHit || is_fixed) &&
         (terms.alignment != Alignment::kCalendar || is_calendar_period(terms.window));
}

Terms Limit::terms() const {
  Terms terms{algorithm, Alignment::kFirstHit, quota(), quota(), window(), Duration(1)};
  if (algorithm == Algorithm::kFixedWindow) terms.alignment = alignment;
  if (is_bucket(algorithm) && burst > 0 && quota() > 0) terms.capacity = burst;
  terms.tick = tick_of(terms);
  return terms;
}

Duration Limit::lifetime() const {
  const Terms t = terms();
  if (algorithm == Algorithm::kSlidingWindow) return 2 * t.window;
  if (!is_bucket(algorithm) || t.quota == 0) return t.window;
  return divide_up(t.capacity * t.window_ticks(), t.quota) * t.tick;
}

std::optional<std::string> Limit::complaint() const {
  const Terms t = terms();
  if (algorithm == Algorithm::kSlidingLog && t.quota > kMaxLogQuota) {
    return fmt::format("sliding_log stores every unit, at most {}; use sliding_window",
                       kMaxLogQuota);
  }
  if (t.window % t.tick != Duration::zero()) {
    return fmt::format("{} cannot be counted exactly; use a rounder window", text());
  }
  if (!drains_in_time(t)) {
    return fmt::format("a burst of {} takes more than {} days to drain; use a smaller one",
                       t.capacity, std::chrono::floor<std::chrono::days>(kMaxDrain).count());
  }
  if (alignment == Alignment::kCalendar &&
      (rate.window.count != 1 || rate.window.unit < Unit::kDay)) {
    return fmt::format("no calendar has a period of {}; use 1 day, week, month or year",
                       rate.window.text());
  }
  return std::nullopt;
}

std::string Limit::text() const {
  return fmt::format("{}{}{} per {}", rate.quota, unit.empty() ? "" : " ", unit,
                     rate.window.text());
}

std::string Limit::label() const {
  return fmt::format("{}_per_{}", name, rate.window.suffix());
}

}  // namespace sluice::limits
