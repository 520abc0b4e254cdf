#include "limits/calendar.h"

#include <array>
#include <cstdlib>
#include <ctime>
#include <optional>
#include <string>
#include <vector>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "limits/algorithm.h"

namespace sluice::limits {
namespace {

using namespace std::chrono_literals;

const std::vector<std::string> kZones{"UTC",
                                      "Europe/Berlin",
                                      "America/New_York",
                                      "Asia/Kolkata",
                                      "Africa/Cairo",
                                      "Asia/Beirut",
                                      "America/Sao_Paulo",
                                      "Pacific/Apia",
                                      "Asia/Kathmandu",
                                      "America/St_Johns",
                                      "Asia/Tehran",
                                      "Australia/Lord_Howe",
                                      "America/Havana",
                                      "Africa/Casablanca",
                                      "Pacific/Kiritimati"};

// "2025-03-30 01:00:00", in UTC.
TimePoint at(const char* text) {
  std::tm parts{};
  EXPECT_NE(strptime(text, "%Y-%m-%d %H:%M:%S", &parts), nullptr) << text;
  return TimePoint(std::chrono::seconds(timegm(&parts)));
}

// "2025-03-30 01:00, 2025-03-31 00:00, 2025-04-01 00:00", in UTC.
std::string told(const Boundaries& boundaries) {
  std::vector<std::string> texts;
  for (const TimePoint boundary : boundaries) {
    EXPECT_EQ(boundary.time_since_epoch() % 1min, 0us);
    texts.push_back(fmt::format("{:%Y-%m-%d %H:%M}",
                                fmt::gmtime(std::chrono::system_clock::to_time_t(boundary))));
  }
  return fmt::format("{}", fmt::join(texts, ", "));
}

struct Row {
  const char* what;
  Unit unit;
  const char* zone;
  const char* now;
  const char* boundaries;
};

void expect(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    EXPECT_EQ(told(calendar_boundaries(row.unit, row.zone, at(row.now))), row.boundaries)
        << row.what << " in " << row.zone;
  }
}

TEST(CalendarTest, FollowsTheTable) {
  expect({
      {"a day", Unit::kDay, "UTC", "2025-06-15 12:34:56",
       "2025-06-15 00:00, 2025-06-16 00:00, 2025-06-17 00:00"},
      {"its first second", Unit::kDay, "UTC", "2025-06-15 00:00:00",
       "2025-06-15 00:00, 2025-06-16 00:00, 2025-06-17 00:00"},
      {"its last", Unit::kDay, "UTC", "2025-06-15 23:59:59",
       "2025-06-15 00:00, 2025-06-16 00:00, 2025-06-17 00:00"},
      {"the leap day", Unit::kDay, "UTC", "2024-02-28 23:00:00",
       "2024-02-28 00:00, 2024-02-29 00:00, 2024-03-01 00:00"},
      {"no leap day", Unit::kDay, "UTC", "2100-02-28 23:00:00",
       "2100-02-28 00:00, 2100-03-01 00:00, 2100-03-02 00:00"},
      {"a week from Sunday", Unit::kWeek, "UTC", "2025-06-15 23:59:59",
       "2025-06-09 00:00, 2025-06-16 00:00, 2025-06-23 00:00"},
      {"a week from Monday", Unit::kWeek, "UTC", "2025-06-16 00:00:00",
       "2025-06-16 00:00, 2025-06-23 00:00, 2025-06-30 00:00"},
      {"a week over the year's end", Unit::kWeek, "UTC", "2026-01-01 12:00:00",
       "2025-12-29 00:00, 2026-01-05 00:00, 2026-01-12 00:00"},
      {"a month", Unit::kMonth, "UTC", "2025-01-31 12:00:00",
       "2025-01-01 00:00, 2025-02-01 00:00, 2025-03-01 00:00"},
      {"February of a leap year", Unit::kMonth, "UTC", "2024-02-29 23:59:59",
       "2024-02-01 00:00, 2024-03-01 00:00, 2024-04-01 00:00"},
      {"December", Unit::kMonth, "UTC", "2025-12-31 23:59:59",
       "2025-12-01 00:00, 2026-01-01 00:00, 2026-02-01 00:00"},
      {"a year", Unit::kYear, "UTC", "2024-12-31 23:59:59",
       "2024-01-01 00:00, 2025-01-01 00:00, 2026-01-01 00:00"},
      {"New Year in India", Unit::kYear, "Asia/Kolkata", "2025-12-31 18:30:00",
       "2025-12-31 18:30, 2026-12-31 18:30, 2027-12-31 18:30"},
      {"a day in India", Unit::kDay, "Asia/Kolkata", "2025-06-15 18:29:59",
       "2025-06-14 18:30, 2025-06-15 18:30, 2025-06-16 18:30"},
      {"a month in New York", Unit::kMonth, "America/New_York", "2025-11-01 03:59:59",
       "2025-10-01 04:00, 2025-11-01 04:00, 2025-12-01 05:00"},
  });
}

TEST(CalendarTest, DaysAreAsLongAsTheClocksMakeThem) {
  expect({
      {"23 hours in Berlin", Unit::kDay, "Europe/Berlin", "2025-03-30 00:59:59",
       "2025-03-29 23:00, 2025-03-30 22:00, 2025-03-31 22:00"},
      {"25 hours", Unit::kDay, "Europe/Berlin", "2025-10-26 01:30:00",
       "2025-10-25 22:00, 2025-10-26 23:00, 2025-10-27 23:00"},
      {"a week of 167 hours", Unit::kWeek, "Europe/Berlin", "2025-03-30 21:59:59",
       "2025-03-23 23:00, 2025-03-30 22:00, 2025-04-06 22:00"},
      {"a month of 745 hours", Unit::kMonth, "Europe/Berlin", "2025-10-26 01:30:00",
       "2025-09-30 22:00, 2025-10-31 23:00, 2025-11-30 23:00"},
      {"23 hours in New York", Unit::kDay, "America/New_York", "2025-03-09 07:00:00",
       "2025-03-09 05:00, 2025-03-10 04:00, 2025-03-11 04:00"},
      {"25 hours", Unit::kDay, "America/New_York", "2025-11-03 04:59:59",
       "2025-11-02 04:00, 2025-11-03 05:00, 2025-11-04 05:00"},
      // Clocks go from 23:59:59 to 01:00.
      {"no midnight in Beirut", Unit::kDay, "Asia/Beirut", "2025-03-29 22:00:00",
       "2025-03-29 22:00, 2025-03-30 21:00, 2025-03-31 21:00"},
      {"the day before", Unit::kDay, "Asia/Beirut", "2025-03-29 21:59:59",
       "2025-03-28 22:00, 2025-03-29 22:00, 2025-03-30 21:00"},
      {"nor in Cairo", Unit::kDay, "Africa/Cairo", "2025-04-24 22:30:00",
       "2025-04-24 22:00, 2025-04-25 21:00, 2025-04-26 21:00"},
      {"nor in Sao Paulo", Unit::kDay, "America/Sao_Paulo", "2017-10-15 03:00:00",
       "2017-10-15 03:00, 2017-10-16 02:00, 2017-10-17 02:00"},
      // Clocks go from 24:00 back to 23:00: the old day has a 25th hour.
      {"23:30 for the first time", Unit::kDay, "America/Sao_Paulo", "2018-02-18 01:30:00",
       "2018-02-17 02:00, 2018-02-18 03:00, 2018-02-19 03:00"},
      {"23:30 for the second", Unit::kDay, "America/Sao_Paulo", "2018-02-18 02:30:00",
       "2018-02-17 02:00, 2018-02-18 03:00, 2018-02-19 03:00"},
      // And in Havana from 01:00 back to 00:00, in St. John's from 00:01 back to 23:01.
      {"midnight twice", Unit::kDay, "America/Havana", "2025-11-02 05:30:00",
       "2025-11-02 04:00, 2025-11-03 05:00, 2025-11-04 05:00"},
      {"a minute of the new day", Unit::kDay, "America/St_Johns", "2010-11-07 02:30:30",
       "2010-11-07 02:30, 2010-11-08 03:30, 2010-11-09 03:30"},
      {"an hour of the old one again", Unit::kDay, "America/St_Johns", "2010-11-07 02:31:00",
       "2010-11-07 02:30, 2010-11-08 03:30, 2010-11-09 03:30"},
  });
}

// Samoa went from the 29th to the 31st of December 2011.
TEST(CalendarTest, ADayThatNeverWasIsNone) {
  expect({
      {"the last before", Unit::kDay, "Pacific/Apia", "2011-12-29 09:59:59",
       "2011-12-28 10:00, 2011-12-29 10:00, 2011-12-30 10:00"},
      {"the first after", Unit::kDay, "Pacific/Apia", "2011-12-30 10:00:00",
       "2011-12-30 10:00, 2011-12-31 10:00, 2012-01-01 10:00"},
      {"a week of six days", Unit::kWeek, "Pacific/Apia", "2011-12-30 10:00:00",
       "2011-12-26 10:00, 2012-01-01 10:00, 2012-01-08 10:00"},
      {"a month of thirty", Unit::kMonth, "Pacific/Apia", "2011-12-29 09:59:59",
       "2011-12-01 10:00, 2011-12-31 10:00, 2012-01-31 10:00"},
  });
}

TEST(CalendarTest, TheDayBeforeADayThatNeverWasEndsWithTheNextThatIs) {
  expect({{"the 29th", Unit::kDay, "Pacific/Apia", "2011-12-30 09:59:59",
           "2011-12-29 10:00, 2011-12-30 10:00, 2011-12-31 10:00"}});
}

TEST(CalendarTest, KnowsZonesByName) {
  for (const std::string& zone : kZones) EXPECT_TRUE(is_time_zone(zone)) << zone;
  for (const char* no_zone : {"", " ", "Berlin", "Europe/Atlantis", "../../etc/passwd", "/", "."}) {
    EXPECT_FALSE(is_time_zone(no_zone)) << no_zone;
  }
}

// What the C library says of the clocks of a time zone.
class LocalTime {
 public:
  explicit LocalTime(const std::string& zone) {
    if (const char* tz = std::getenv("TZ")) before_ = tz;
    set(zone);
  }
  LocalTime(const LocalTime&) = delete;
  LocalTime& operator=(const LocalTime&) = delete;
  ~LocalTime() { set(before_); }

  // What a period of `unit` has in common: its year, and a month, a week or a day of that.
  [[nodiscard]] static std::string period(Unit unit, TimePoint moment) {
    const std::time_t seconds =
        std::chrono::floor<std::chrono::seconds>(moment).time_since_epoch() / 1s;
    std::tm local{};
    localtime_r(&seconds, &local);
    std::array<char, 40> text{};
    const char* format = unit == Unit::kDay     ? "%F"
                         : unit == Unit::kWeek  ? "%G %V"
                         : unit == Unit::kMonth ? "%Y-%m"
                                                : "%Y";
    std::strftime(text.data(), text.size(), format, &local);
    return text.data();
  }

 private:
  static void set(const std::optional<std::string>& zone) {
    if (zone) setenv("TZ", (":" + *zone).c_str(), 1);
    if (!zone) unsetenv("TZ");
    tzset();
  }
  std::optional<std::string> before_;
};

void check_periods(const char* from, const char* until) {
  const std::int64_t first = at(from).time_since_epoch().count();
  const std::int64_t last = at(until).time_since_epoch().count();
  EXPECT_TRUE(rc::check([&] {
    const auto zone = *rc::gen::elementOf(kZones);
    const Unit unit = *rc::gen::element(Unit::kDay, Unit::kWeek, Unit::kMonth, Unit::kYear);
    TimePoint now{Duration(*rc::gen::inRange(first, last))};
    // Often near a boundary, where mistakes are.
    if (*rc::gen::arbitrary<bool>()) {
      now = calendar_boundaries(unit, zone, now)[1] +
            std::chrono::minutes(*rc::gen::inRange(-200, 200));
    }
    RC_LOG() << zone << ' ' << static_cast<int>(unit) << ' ' << microseconds_since_epoch(now)
             << '\n';
    const Boundaries found = calendar_boundaries(unit, zone, now);
    RC_ASSERT(found[0] <= now && now < found[1] && found[1] < found[2]);
    RC_ASSERT(calendar_boundaries(unit, zone, found[0]) == found);
    RC_ASSERT(calendar_boundaries(unit, zone, found[1] - 1us) == found);
    const Boundaries next = calendar_boundaries(unit, zone, found[1]);
    RC_ASSERT(next[0] == found[1] && next[1] == found[2]);
    const LocalTime local(zone);
    const std::string period = LocalTime::period(unit, now);
    RC_ASSERT(LocalTime::period(unit, found[0]) == period);
    RC_ASSERT(LocalTime::period(unit, found[1] - 1us) == period);
    RC_ASSERT(LocalTime::period(unit, found[0] - 1us) != period);
    RC_ASSERT(LocalTime::period(unit, found[1]) != period);
  }));
}

TEST(CalendarPropertyTest, PeriodsFollowEachOtherAsTheClocksShowThem) {
  check_periods("2012-01-10 00:00:00", "2036-12-31 00:00:00");
}

// A quota of 100 a day, of which one is asked each minute: all of it between two midnights, however
// long the day is.
TEST(CalendarTest, ADayOfAnyLengthAdmitsItsQuota) {
  Limit daily{.name = "daily", .rate = {100, {1, Unit::kDay}}, .alignment = Alignment::kCalendar};
  struct Day {
    const char* zone;
    const char* midnight;
    std::chrono::hours length;
  };
  for (const Day& day : std::vector<Day>{{"Europe/Berlin", "2025-03-29 23:00:00", 23h},
                                         {"Europe/Berlin", "2025-06-14 22:00:00", 24h},
                                         {"Europe/Berlin", "2025-10-25 22:00:00", 25h},
                                         {"Asia/Beirut", "2025-03-29 22:00:00", 23h},
                                         {"America/Sao_Paulo", "2018-02-17 02:00:00", 25h}}) {
    daily.time_zone = day.zone;
    const TimePoint midnight = at(day.midnight);
    std::optional<Bucket> bucket;
    std::int64_t before = 0;
    std::int64_t within = 0;
    for (TimePoint now = midnight - 2h; now < midnight + day.length; now += 1min) {
      const Step step = take(bucket, daily, 1, now);
      EXPECT_EQ(step.keep_for, (now < midnight ? midnight : midnight + day.length) - now);
      if (!step.fits) continue;
      bucket = step.after;
      ++(now < midnight ? before : within);
      EXPECT_EQ(std::get<FixedWindow>(step.after->state).used, now < midnight ? before : within);
    }
    EXPECT_EQ(before, 100) << day.zone;
    EXPECT_EQ(within, 100) << day.zone;
    EXPECT_FALSE(take(bucket, daily, 1, midnight + day.length - 1us).fits) << day.zone;
    EXPECT_TRUE(take(bucket, daily, 100, midnight + day.length).fits) << day.zone;
  }
}

}  // namespace
}  // namespace sluice::limits
