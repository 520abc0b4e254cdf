#include "limits/calendar.h"

#include <stdexcept>

#include <date/tz.h>

namespace sluice::limits {
namespace {

using date::local_days;

local_days period_start(Unit unit, local_days day) {
  const date::year_month_day ymd(day);
  switch (unit) {
    case Unit::kWeek:
      return day - (date::weekday(day) - date::Monday);
    case Unit::kMonth:
      return local_days(ymd.year() / ymd.month() / 1);
    case Unit::kYear:
      return local_days(ymd.year() / date::January / 1);
    default:
      return day;
  }
}

local_days next_start(Unit unit, local_days start) {
  const date::year_month_day ymd(start);
  switch (unit) {
    case Unit::kWeek:
      return start + date::days(7);
    case Unit::kMonth:
      return local_days(ymd + date::months(1));
    case Unit::kYear:
      return local_days(ymd + date::years(1));
    default:
      return start + date::days(1);
  }
}

TimePoint begin_of(const date::time_zone& zone, local_days day) {
  return zone.to_sys(date::local_seconds(day), date::choose::earliest);
}

}  // namespace

bool is_time_zone(std::string_view name) {
  try {
    return date::locate_zone(std::string(name)) != nullptr;
  } catch (const std::runtime_error&) {
    return false;
  }
}

Boundaries calendar_boundaries(Unit unit, std::string_view zone_name, TimePoint now) {
  const date::time_zone& zone = *date::locate_zone(std::string(zone_name));
  local_days start = period_start(unit, date::floor<date::days>(zone.to_local(now)));
  local_days end = next_start(unit, start);
  // Where clocks go back over midnight, the old day is shown again after the new one has begun.
  while (begin_of(zone, end) <= now) {
    start = end;
    end = next_start(unit, start);
  }
  // A day that never was begins and ends with the one after it (Pacific/Apia, 2011-12-30).
  local_days next = next_start(unit, end);
  while (begin_of(zone, next) <= begin_of(zone, end)) next = next_start(unit, next);
  return {begin_of(zone, start), begin_of(zone, end), begin_of(zone, next)};
}

}  // namespace sluice::limits
