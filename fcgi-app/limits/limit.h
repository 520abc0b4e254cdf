// What a limit is: at most `quota` units per `window`, counted per `scope`.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "limits/names.h"
#include "limits/scope.h"

namespace sluice::limits {

// How units are counted over the window. See algorithm.h.
enum class Algorithm {
  kFixedWindow = 1,  // the numbers are part of what stores keep: never change or reuse one
  kSlidingLog,
  kSlidingWindow,
  kTokenBucket,
  kLeakyBucket,
};

// Whether it is token_bucket or leaky_bucket.
[[nodiscard]] constexpr bool is_bucket(Algorithm algorithm) {
  return algorithm == Algorithm::kTokenBucket || algorithm == Algorithm::kLeakyBucket;
}

// Where the windows of a fixed window begin.
enum class Alignment {
  kFirstHit,  // with the first unit
  kClock,     // at whole multiples of the window since 1970-01-01T00:00:00Z
  kCalendar,  // with the day, week (Monday), month or year of `time_zone`
};

// What becomes of a bucket whose limit has changed since its last charge.
enum class OnChange {
  kKeep,          // what is used stays used, up to the new quota
  kReset,         // the full new quota
  kProportional,  // the same share of the quota is used, rounded up to whole units
};

enum class Mode {
  kEnforce,
  kShadow,  // decided and counted, and never denies
};

// What to answer when the store cannot: allowed, or refused with 503.
enum class OnStoreError { kAllow, kDeny };

// The config's word for each value, in one place.
inline constexpr std::array<std::pair<std::string_view, Algorithm>, 5> kAlgorithmNames{
    {{"fixed_window", Algorithm::kFixedWindow},
     {"sliding_log", Algorithm::kSlidingLog},
     {"sliding_window", Algorithm::kSlidingWindow},
     {"token_bucket", Algorithm::kTokenBucket},
     {"leaky_bucket", Algorithm::kLeakyBucket}}};
inline constexpr std::array<std::pair<std::string_view, Alignment>, 3> kAlignmentNames{
    {{"first_hit", Alignment::kFirstHit},
     {"clock", Alignment::kClock},
     {"calendar", Alignment::kCalendar}}};
inline constexpr std::array<std::pair<std::string_view, OnChange>, 3> kOnChangeNames{
    {{"keep", OnChange::kKeep},
     {"reset", OnChange::kReset},
     {"proportional", OnChange::kProportional}}};
inline constexpr std::string_view kRequests = "requests";  // the unit that has no name in a Limit
[[nodiscard]] constexpr std::string_view unit_name(std::string_view unit) {
  return unit.empty() ? kRequests : unit;
}
inline constexpr std::array<std::pair<std::string_view, Mode>, 2> kModeNames{
    {{"enforce", Mode::kEnforce}, {"shadow", Mode::kShadow}}};
inline constexpr std::array<std::pair<std::string_view, OnStoreError>, 2> kOnStoreErrorNames{
    {{"allow", OnStoreError::kAllow}, {"deny", OnStoreError::kDeny}}};

enum class Unit { kMillisecond, kSecond, kMinute, kHour, kDay, kWeek, kMonth, kYear };

// A period as its author wrote it: 60 seconds and 1 minute last as long, and read differently.
struct Window {
  std::int64_t count = 1;  // 1 or more
  Unit unit = Unit::kSecond;

  // A month is 30 days and a year 360, as Python's `limits` has it; see Alignment::kCalendar for
  // real ones.
  [[nodiscard]] Duration length() const;
  [[nodiscard]] std::string text() const;  // "10 seconds", "1 minute"
  // "10s", "minute": the tail of a name like chat_per_10s.
  [[nodiscard]] std::string suffix() const;
  bool operator==(const Window&) const = default;
};

// Bounds of what a limit may say. Counts and microseconds stay far inside 2^53, up to which the
// doubles of Redis's Lua are exact.
inline constexpr std::int64_t kMaxQuota = 1'000'000'000;
inline constexpr Duration kMaxWindow = std::chrono::days(366);
// The most units of a sliding log, which stores 8 bytes for each.
inline constexpr std::int64_t kMaxLogQuota = 10'000;
// The longest that a bucket may take to drain.
inline constexpr Duration kMaxDrain = 10 * kMaxWindow;

struct Rate {
  std::int64_t quota = 0;  // 0 (nothing passes) to kMaxQuota
  Window window;
  bool operator==(const Rate&) const = default;
};

// What the arithmetic takes of a limit. Stores keep it beside each bucket, to see that the limit
// has changed.
struct Terms {
  Algorithm algorithm = Algorithm::kFixedWindow;
  Alignment alignment = Alignment::kFirstHit;
  std::int64_t quota = 0;
  std::int64_t capacity = 0;  // the most units at once: the burst of a bucket, else the quota
  Duration window{1};
  // The grain of time of sliding_window and the buckets: the least power of ten, in microseconds,
  // for which capacity * window / tick does not exceed kMaxProduct. It divides the window.
  Duration tick{1};

  [[nodiscard]] std::int64_t window_ticks() const { return window / tick; }
  bool operator==(const Terms&) const = default;
};

// The tick that the algorithm, capacity and window call for.
[[nodiscard]] Duration tick_of(const Terms& terms);

// Whether a limit without complaint() can have these terms, with the tick that they call for. Only
// of such does no sum overflow. take.lua holds what it reads against the same.
[[nodiscard]] bool is_possible(const Terms& terms);

// Any count of ticks times any count of units, and room for a rounding: exact in a double.
inline constexpr std::int64_t kMaxProduct = std::int64_t{1} << 52;

struct Limit {
  std::string name;         // an id; part of the key
  std::string tenant = {};  // whose limit it is; empty for a default: part of the key
  std::string plan = {};    // which plan it comes from; empty for a default, and a tenant's own
  Scope scope = Fact::kIp;
  std::string unit = {};  // what is counted, an id as in "tokens"; empty: requests
  Rate rate;
  std::int64_t burst = 0;  // of token_bucket and leaky_bucket: 1 to kMaxQuota; 0 is the quota
  Algorithm algorithm = Algorithm::kFixedWindow;
  Alignment alignment = Alignment::kFirstHit;  // of fixed_window
  std::string time_zone = "UTC";               // of Alignment::kCalendar, as in "Europe/Berlin"
  OnChange on_change = OnChange::kKeep;
  Mode mode = Mode::kEnforce;
  OnStoreError on_store_error = OnStoreError::kDeny;

  [[nodiscard]] std::int64_t quota() const { return rate.quota; }
  [[nodiscard]] Duration window() const { return rate.window.length(); }
  // REQUIRES: no complaint().
  [[nodiscard]] Terms terms() const;
  // The longest that a bucket of this limit can say anything after its last charge.
  [[nodiscard]] Duration lifetime() const;
  // Why these figures cannot be counted together, and what to do; nothing where they can.
  [[nodiscard]] std::optional<std::string> complaint() const;
  // "8 per 10 seconds", "500 tokens per 1 minute": what a client is told.
  [[nodiscard]] std::string text() const;
  // "chat_per_10s": what an operator is shown.
  [[nodiscard]] std::string label() const;
};

}  // namespace sluice::limits
