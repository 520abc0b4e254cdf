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

namespace sluice::limits {

// Which identity fact a limit is counted per.
enum class Scope { kTenant, kSession, kIp, kGlobal };

// How units are counted over the window. See algorithm.h.
enum class Algorithm { kFixedWindow };

// What to answer when the store cannot: allowed, or refused with 503.
enum class OnStoreError { kAllow, kDeny };

// The config's word for each value, in one place.
template <class Enum>
using NameTable = std::span<const std::pair<std::string_view, Enum>>;

inline constexpr std::array<std::pair<std::string_view, Scope>, 4> kScopeNames{
    {{"tenant", Scope::kTenant},
     {"session", Scope::kSession},
     {"ip", Scope::kIp},
     {"global", Scope::kGlobal}}};
inline constexpr std::array<std::pair<std::string_view, Algorithm>, 1> kAlgorithmNames{
    {{"fixed_window", Algorithm::kFixedWindow}}};
inline constexpr std::array<std::pair<std::string_view, OnStoreError>, 2> kOnStoreErrorNames{
    {{"allow", OnStoreError::kAllow}, {"deny", OnStoreError::kDeny}}};

template <class Enum>
[[nodiscard]] constexpr std::optional<Enum> from_name(NameTable<Enum> names,
                                                      std::string_view name) {
  for (const auto& [word, value] : names) {
    if (word == name) return value;
  }
  return std::nullopt;
}

template <class Enum>
[[nodiscard]] constexpr std::string_view to_name(NameTable<Enum> names, Enum value) {
  for (const auto& [word, candidate] : names) {
    if (candidate == value) return word;
  }
  return "?";
}

enum class Unit { kMillisecond, kSecond, kMinute, kHour, kDay };

// A period as its author wrote it: 60 seconds and 1 minute last as long, and read differently.
struct Window {
  std::int64_t count = 1;  // 1 or more
  Unit unit = Unit::kSecond;

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

struct Rate {
  std::int64_t quota = 0;  // 0 (nothing passes) to kMaxQuota
  Window window;
  bool operator==(const Rate&) const = default;
};

struct Limit {
  std::string name;    // an id; part of the key
  std::string tenant;  // whose limit it is; empty for a default: part of the key
  Scope scope = Scope::kIp;
  Rate rate;
  Algorithm algorithm = Algorithm::kFixedWindow;
  OnStoreError on_store_error = OnStoreError::kDeny;

  [[nodiscard]] std::int64_t quota() const { return rate.quota; }
  [[nodiscard]] Duration window() const { return rate.window.length(); }
  // "8 per 10 seconds": what a client is told.
  [[nodiscard]] std::string text() const;
  // "chat_per_10s": what an operator is shown.
  [[nodiscard]] std::string label() const;
};

}  // namespace sluice::limits
