// What the limiter asks of a store, and what it is told.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "limits/limit.h"

namespace sluice::limits {

// The most limits that one request may be charged to.
inline constexpr std::size_t kMaxLimits = 8;
// The most charges of one decision: its limits, and two holds.
inline constexpr std::size_t kMaxCharges = kMaxLimits + 2;
inline constexpr std::size_t kMaxGuards = 2;  // of a charge
// The most buckets that one decision writes.
inline constexpr std::size_t kMaxChanges = kMaxCharges * (1 + kMaxGuards);

// Bounds how many buckets callers open. A bucket is opened by the charge before which no unit of it
// was in use; a token_bucket or leaky_bucket, which drains unit by unit, by the first charge after
// Limit::lifetime() without one, and is kept for so long.
struct Guard {
  std::string key;               // of the bucket that counts them
  const Limit* limit = nullptr;  // how many, in which time: a fixed_window; outlives the guard
  std::string shared_key;        // of the bucket that is charged instead, once that is used up
};

// `cost` units asked of the bucket named `key`, under `limit`. The quota is no part of the key, so
// a limit can change while its bucket lives.
struct Charge {
  std::string key;
  const Limit* limit = nullptr;    // outlives the charge
  std::int64_t cost = 1;           // 0 peeks; at most kMaxQuota
  std::vector<Guard> guards = {};  // at most kMaxGuards; the first without room says where it goes
};

// The wait of a cost above the quota: no wait is long enough.
inline constexpr Duration kNever = Duration::max();

// A bucket after a take, or as it stands after a denial.
struct Balance {
  std::int64_t remaining = 0;               // units left: 0 to quota
  Duration reset_after = Duration::zero();  // until the full quota is back; 0 when it is there
  Duration retry_after = Duration::zero();  // until this cost would pass; 0 when it passes now
  // Until more is to be had: what this cost waits for, or else (it passes now, or never will) one
  // unit more than remains; 0 when the full quota is there.
  Duration more_after = Duration::zero();
  bool operator==(const Balance&) const = default;
};

// Why no store was asked, or could answer.
enum class StoreState {
  kAnswered,     // balances are the store's
  kNotAsked,     // no limit applies
  kUnavailable,  // down or late: on_store_error decided; no balances
};

// Why a decision was denied, whatever its limits say.
enum class Hold {
  kNone,
  kRevoked,  // the session has been ended
  kPenalty,  // too many denials, see limiter/penalty.h
};

struct Decision {
  bool allowed = true;
  StoreState store = StoreState::kNotAsked;
  TimePoint at{};                    // the store's time of the decision
  std::vector<const Limit*> limits;  // what was charged, in the order asked
  std::vector<Balance> balances;     // one for each of `limits`; empty unless kAnswered
  bool crowded = false;              // some charge went to a guard's shared bucket
  Hold hold = Hold::kNone;
  Duration held_for{};  // of kPenalty: how long it still lasts

  // Whether limit `i` had no room for the cost: a limit that enforces denies then.
  [[nodiscard]] bool lacks_room(std::size_t i) const {
    return balances[i].retry_after > Duration::zero();
  }
  [[nodiscard]] bool denied_by(std::size_t i) const {
    return !allowed && limits[i]->mode != Mode::kShadow && lacks_room(i);
  }
  // The limit that a client should look at: among those that deny (or all, when allowed) the one
  // with the longest wait, then the fewest units left. nullopt where none enforces, or no store
  // answered.
  [[nodiscard]] std::optional<std::size_t> tightest() const;
};

}  // namespace sluice::limits
