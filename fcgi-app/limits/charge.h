// What the limiter asks of a store, and what it is told.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "limits/limit.h"

namespace sluice::limits {

// The most limits that one request may be charged to.
inline constexpr std::size_t kMaxLimits = 8;
// The most charges of one decision: a limit may have a counter besides, of what is reserved.
inline constexpr std::size_t kMaxCharges = 2 * kMaxLimits;
inline constexpr std::size_t kMaxBars = 2;  // of a decision
// The most keys that one decision writes.
inline constexpr std::size_t kMaxChanges = kMaxCharges + kMaxBars + 1;

// Which way units go.
enum class Move : std::uint8_t {
  kTake,    // into the bucket: all of the cost, or none
  kTopUp,   // into the bucket: as many of them as there is room for. It never lacks room
  kRefund,  // out of the bucket: as many of them as it still holds, see Trace
};

// Where the units of an earlier charge are in their bucket: what a refund needs to know.
struct Trace {
  TimePoint at{};          // of a log when they came, else the beginning of the state's time
  std::int64_t level = 0;  // of the buckets, in parts of a unit: how much came then
  bool operator==(const Trace&) const = default;
};

// `cost` units asked of the bucket named `key`, under `limit`. The quota is no part of the key, so
// a limit can change while its bucket lives.
struct Charge {
  std::string key;
  const Limit* limit = nullptr;  // outlives the charge
  std::int64_t cost = 1;         // 0 peeks; at most kMaxQuota
  Move move = Move::kTake;
  Trace trace = {};  // of kRefund
};

// A key that must not exist: while it stands, nothing is charged.
struct Bar {
  std::string key;
  // 0 only asks; else up to kMaxBarTime: a decision that is allowed sets it up for so long.
  Duration set_for = Duration::zero();
};
inline constexpr Duration kMaxBarTime = kMaxWindow;

// A key that a decision replaces, if it holds what is expected: else nothing is charged. Behind
// `value` the store writes what became of the charges, see receipts.h.
struct Mark {
  std::string key;
  std::string expected;  // empty: there is to be no such key. At most kMaxMark bytes
  std::string value;     // at most kMaxMark bytes
  Duration keep_for{};   // more than 0, up to kMaxBarTime
};
inline constexpr std::size_t kMaxMark = 16384;

// What one decision asks of a store: at most kMaxCharges charges and kMaxBars bars, and a mark, all
// with distinct keys. Who makes it keeps what it refers to.
struct Ask {
  std::span<const Charge> charges;
  std::span<const Bar> bars = {};
  const Mark* mark = nullptr;

  // Whether a bar is to be set up.
  [[nodiscard]] bool sets_bars() const {
    return std::any_of(bars.begin(), bars.end(),
                       [](const Bar& bar) { return bar.set_for > Duration::zero(); });
  }
};

// The wait of a cost above the quota: no wait is long enough.
inline constexpr Duration kNever = Duration::max();

// A bucket after a take, or as it stands after a denial.
struct Balance {
  std::int64_t remaining = 0;               // units left: 0 to quota
  Duration reset_after = Duration::zero();  // until the full quota is back; 0 when it is there
  Duration retry_after = Duration::zero();  // until this cost would pass; 0 when it passes now
  // The time until more units are free. If this cost has to wait, it is that wait. If the cost
  // passes now, or never can, it is the time until one unit more is free. 0: the full quota is
  // there.
  Duration more_after = Duration::zero();
  bool operator==(const Balance&) const = default;
};

// Who answered. A decision of several calls has the source that stands last here (by_tag.cpp takes
// the greatest), so a new one has its place by how little it knows.
enum class Source {
  kNobody,  // there was nothing to ask
  // A store. It charged or denied, and the balances are its own.
  kRedis,
  kSharedMemory,
  kMemory,
  kOnStoreError,  // no store could answer: each limit's on_store_error did; there are no balances
  kNginx,         // nginx has charged, before it passed the request on (handed_over.h)
};

inline constexpr std::array<std::pair<std::string_view, Source>, 6> kSourceNames{
    {{"nobody", Source::kNobody},
     {"redis", Source::kRedis},
     {"shared_memory", Source::kSharedMemory},
     {"memory", Source::kMemory},
     {"on_store_error", Source::kOnStoreError},
     {"nginx", Source::kNginx}}};

// Which bar denied a decision, whatever its limits say.
enum class BarredBy {
  kNone,
  kEndedSession,
  kLockOut,  // too many denials, see limiter/penalty.h
};

struct Decision {
  bool allowed = true;
  Source source = Source::kNobody;
  TimePoint at{};                    // the store's time of the decision
  std::vector<const Limit*> limits;  // what was charged, in the order asked
  std::vector<Balance> balances;     // one for each of `limits`; none of kOnStoreError
  // By bar, in the order asked: for how long it still stands; 0: it does not.
  std::array<Duration, kMaxBars> bars{};
  // Whether the mark was not as expected: then it is denied.
  bool is_stale = false;
  // What the limiter makes of it:
  BarredBy barred_by = BarredBy::kNone;
  Duration barred_for{};  // of kLockOut
  bool crowded = false;   // some charge went to the bucket that newcomers share
  // Where something was asked for, and there was somebody to ask.
  std::optional<DecisionId> id = std::nullopt;

  [[nodiscard]] bool is_barred() const {
    return std::any_of(bars.begin(), bars.end(), [](Duration left) { return left.count() > 0; });
  }
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
  // Of a denial: until the tightest limit has room for the cost, and a lock-out is over. kNever, or
  // nullopt where neither says.
  [[nodiscard]] std::optional<Duration> denied_for() const;
};

}  // namespace sluice::limits
