// What is kept of a limit's use: one State per algorithm, and its bytes.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "limits/limit.h"

namespace sluice::limits {

// fixed_window: units since the window opened.
struct FixedWindow {
  std::int64_t used = 0;
  TimePoint opened_at{};
  bool operator==(const FixedWindow&) const = default;
};

// sliding_log: the time of each unit, oldest first. Exact, for 8 bytes per unit.
struct SlidingLog {
  std::vector<TimePoint> units;
  bool operator==(const SlidingLog&) const = default;
};

// sliding_window: units of this window and of the one before, which counts by the part of it that
// a window ending now would still cover: used = current + floor(previous * (1 - elapsed / window)).
// Windows follow each other from the first unit on. (Cloudflare, "How we built rate limiting
// capable of scaling to millions of domains", 2017.)
struct SlidingWindow {
  std::int64_t current = 0;
  std::int64_t previous = 0;
  TimePoint opened_at{};
  bool operator==(const SlidingWindow&) const = default;
};

// token_bucket and leaky_bucket: how full of used units the bucket was at `at`. It drains by the
// quota in each window, evenly, and holds `capacity` units: a token bucket counts the room that is
// left, a leaky bucket (as a meter) what is in it. This is the generic cell rate algorithm (ITU-T
// I.371) with the level in place of the theoretical arrival time. In parts of a unit, of which
// terms.window_ticks() make one, so that no fraction is ever lost.
struct Level {
  std::int64_t level = 0;
  TimePoint at{};
  bool operator==(const Level&) const = default;
};

// The times that a bucket may have, 285 years about 1970: what Lua's doubles can tell apart, and
// sums with a window or two do not overflow.
inline constexpr TimePoint kLastTime{Duration(std::int64_t{1} << 53)};
inline constexpr TimePoint kFirstTime{-kLastTime.time_since_epoch()};
[[nodiscard]] constexpr bool is_time(TimePoint at) {
  return at >= kFirstTime && at <= kLastTime;
}

using State = std::variant<FixedWindow, SlidingLog, SlidingWindow, Level>;

// What a store keeps under a key.
struct Bucket {
  Terms terms;  // by which it was charged last
  State state;
  bool operator==(const Bucket&) const = default;
};

// A bucket as stores keep it, to the byte: little-endian, unsigned below 8 bytes.
//   terms           1 algorithm, and 16 times the alignment; 4 quota; 4 capacity; 6 window
//   fixed_window    4 used, 8 opened_at
//   sliding_log     8 for each unit
//   sliding_window  4 current, 4 previous, 8 opened_at
//   the buckets     8 level, 8 at
// 31 bytes at most but for the log: of longer strings Lua 5.1 hashes every other byte, and the
// states of a bucket differ in few.
void append(std::string& bytes, const Terms& terms);
// Takes them off the front of `bytes`; nullopt for bytes that are those of no limit.
[[nodiscard]] std::optional<Terms> take_terms(std::string_view& bytes);
[[nodiscard]] std::string encode(const Bucket& bucket);
// nullopt for bytes that encode() never makes of what a limit without complaint() charged.
[[nodiscard]] std::optional<Bucket> decode(std::string_view bytes);

// A bar (charge.h) as stores keep it: 8 bytes, until when it stands. nullopt for other bytes.
[[nodiscard]] std::string encode_bar(TimePoint until);
[[nodiscard]] std::optional<TimePoint> decode_bar(std::string_view bytes);

// Of a sliding log, what a balance takes: the units in the window, when the newest of them came,
// and the pivot: the unit that has to leave before the cost fits or, where it fits or never will,
// the oldest, before one unit more is to be had. Both times are 0 where no unit is in the window.
struct LogView {
  std::int64_t used = 0;
  TimePoint newest{};
  TimePoint pivot{};
  bool operator==(const LogView&) const = default;
};

// What a balance is computed from.
using View = std::variant<FixedWindow, LogView, SlidingWindow, Level>;

// The bytes of a view as take.lua replies them: as the state's, a LogView as 4 used, 8 newest,
// 8 pivot.
void append(std::string& bytes, const View& view);
// Takes them off the front of `bytes`; nullopt where those are too few.
[[nodiscard]] std::optional<View> decode_view(Algorithm algorithm, std::string_view& bytes);

}  // namespace sluice::limits
