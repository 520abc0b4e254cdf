#include "limits/bucket.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "limits/bytes.h"

namespace sluice::limits {
namespace {

using Four = std::uint32_t;
using Eight = std::int64_t;

void append(std::string& bytes, TimePoint at) {
  append_integer<Eight>(bytes, microseconds_since_epoch(at));
}

TimePoint time(std::string_view& bytes) {
  return TimePoint(Duration(take_integer<Eight>(bytes)));
}

void append(std::string& bytes, const FixedWindow& state) {
  append_integer<Four>(bytes, state.used);
  append(bytes, state.opened_at);
}
void append(std::string& bytes, const SlidingLog& state) {
  for (const TimePoint unit : state.units) append(bytes, unit);
}
void append(std::string& bytes, const SlidingWindow& state) {
  append_integer<Four>(bytes, state.current);
  append_integer<Four>(bytes, state.previous);
  append(bytes, state.opened_at);
}
void append(std::string& bytes, const Level& state) {
  append_integer<Eight>(bytes, state.level);
  append(bytes, state.at);
}

void append(std::string& bytes, const LogView& view) {
  append_integer<Four>(bytes, view.used);
  append(bytes, view.newest);
  append(bytes, view.pivot);
}

FixedWindow read_fixed_window(std::string_view& bytes) {
  const std::int64_t used = take_integer<Four>(bytes);
  return {used, time(bytes)};
}
SlidingWindow read_sliding_window(std::string_view& bytes) {
  const std::int64_t current = take_integer<Four>(bytes);
  const std::int64_t previous = take_integer<Four>(bytes);
  return {current, previous, time(bytes)};
}
Level read_level(std::string_view& bytes) {
  const auto level = take_integer<Eight>(bytes);
  return {level, time(bytes)};
}
LogView read_log_view(std::string_view& bytes) {
  const std::int64_t used = take_integer<Four>(bytes);
  const TimePoint newest = time(bytes);
  return {used, newest, time(bytes)};
}
SlidingLog read_sliding_log(std::string_view& bytes) {
  SlidingLog log;
  log.units.reserve(bytes.size() / sizeof(Eight));
  while (!bytes.empty()) log.units.push_back(time(bytes));
  return log;
}

constexpr std::size_t kTermsSize = 1 + 4 + 4 + 6;
constexpr std::size_t kWindowSize = 6;
constexpr int kAlignmentFactor = 16;

bool is_kind(char byte) {
  const auto kind = static_cast<unsigned char>(byte);
  const int algorithm = kind % kAlignmentFactor;
  return algorithm >= static_cast<int>(Algorithm::kFixedWindow) &&
         algorithm <= static_cast<int>(Algorithm::kLeakyBucket) &&
         kind / kAlignmentFactor <= static_cast<int>(Alignment::kCalendar);
}

// What encode() is ever given, of possible terms.
bool is_sound(const FixedWindow& state, const Terms& terms) {
  return state.used <= terms.capacity && is_time(state.opened_at);
}
bool is_sound(const SlidingLog& state, const Terms& terms) {
  return std::cmp_less_equal(state.units.size(), terms.capacity) &&
         std::is_sorted(state.units.begin(), state.units.end()) &&
         (state.units.empty() || (is_time(state.units.front()) && is_time(state.units.back())));
}
bool is_sound(const SlidingWindow& state, const Terms& terms) {
  return state.current <= terms.capacity && state.previous <= terms.capacity &&
         is_time(state.opened_at);
}
bool is_sound(const Level& state, const Terms& terms) {
  return state.level >= 0 && state.level <= terms.capacity * terms.window_ticks() &&
         is_time(state.at);
}

std::size_t view_size(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::kFixedWindow:
      return 12;
    case Algorithm::kSlidingLog:
      return 20;
    case Algorithm::kSlidingWindow:
    case Algorithm::kTokenBucket:
    case Algorithm::kLeakyBucket:
      return 16;
  }
  return 0;
}

}  // namespace

void append(std::string& bytes, const Terms& terms) {
  const std::size_t end = bytes.size() + kTermsSize;
  append_integer<std::uint8_t>(bytes, static_cast<int>(terms.algorithm) +
                                          kAlignmentFactor * static_cast<int>(terms.alignment));
  append_integer<Four>(bytes, terms.quota);
  append_integer<Four>(bytes, terms.capacity);
  append_integer<Eight>(bytes, terms.window.count());
  bytes.resize(end);
}

std::optional<Terms> take_terms(std::string_view& bytes) {
  if (bytes.size() < kTermsSize || !is_kind(bytes.front())) return std::nullopt;
  Terms terms;
  const std::int64_t kind = take_integer<std::uint8_t>(bytes);
  terms.algorithm = static_cast<Algorithm>(kind % kAlignmentFactor);
  terms.alignment = static_cast<Alignment>(kind / kAlignmentFactor);
  terms.quota = take_integer<Four>(bytes);
  terms.capacity = take_integer<Four>(bytes);
  Eight window = 0;
  std::memcpy(&window, bytes.data(), kWindowSize);
  bytes.remove_prefix(kWindowSize);
  terms.window = Duration(window);
  terms.tick = tick_of(terms);
  return is_possible(terms) ? std::optional(terms) : std::nullopt;
}

void append(std::string& bytes, const View& view) {
  std::visit([&](const auto& seen) { append(bytes, seen); }, view);
}

std::string encode(const Bucket& bucket) {
  std::string bytes;
  append(bytes, bucket.terms);
  std::visit([&](const auto& state) { append(bytes, state); }, bucket.state);
  return bytes;
}

std::optional<Bucket> decode(std::string_view bytes) {
  const auto terms = take_terms(bytes);
  if (!terms) return std::nullopt;
  Bucket bucket{*terms, {}};
  if (bucket.terms.algorithm == Algorithm::kSlidingLog) {
    if (bytes.size() % sizeof(Eight) != 0) return std::nullopt;
    bucket.state = read_sliding_log(bytes);
  } else {
    const auto view = decode_view(bucket.terms.algorithm, bytes);
    if (!view || !bytes.empty()) return std::nullopt;
    if (const auto* fixed = std::get_if<FixedWindow>(&*view)) bucket.state = *fixed;
    if (const auto* sliding = std::get_if<SlidingWindow>(&*view)) bucket.state = *sliding;
    if (const auto* level = std::get_if<Level>(&*view)) bucket.state = *level;
  }
  const bool sound =
      std::visit([&](const auto& state) { return is_sound(state, bucket.terms); }, bucket.state);
  return sound ? std::optional(bucket) : std::nullopt;
}

std::string encode_bar(TimePoint until) {
  std::string bytes;
  append_integer<Eight>(bytes, microseconds_since_epoch(until));
  return bytes;
}

std::optional<TimePoint> decode_bar(std::string_view bytes) {
  if (bytes.size() != sizeof(Eight)) return std::nullopt;
  const TimePoint until{Duration(take_integer<Eight>(bytes))};
  return is_time(until) ? std::optional(until) : std::nullopt;
}

std::optional<View> decode_view(Algorithm algorithm, std::string_view& bytes) {
  if (bytes.size() < view_size(algorithm)) return std::nullopt;
  switch (algorithm) {
    case Algorithm::kFixedWindow:
      return read_fixed_window(bytes);
    case Algorithm::kSlidingLog:
      return read_log_view(bytes);
    case Algorithm::kSlidingWindow:
      return read_sliding_window(bytes);
    case Algorithm::kTokenBucket:
    case Algorithm::kLeakyBucket:
      return read_level(bytes);
  }
  return std::nullopt;
}

}  // namespace sluice::limits
