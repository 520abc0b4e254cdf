// A reservation, or what became of it, as the value of a mark.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "limits/limit.h"
#include "limits/receipts.h"

namespace sluice::limiter {

// One bucket that was charged.
struct RecordedCharge {
  enum class Kind : std::uint8_t {
    kExact,     // what it was charged is known
    kEstimate,  // it was charged what is to be settled
    kCounter,   // of what is reserved, see reserved_units.h; then it is no tenant's limit
  };

  std::string key;
  std::string tenant;  // whose limit it is, and which: as in limits::Limit
  std::string name;
  limits::Terms terms;  // by which it was charged
  Kind kind = Kind::kExact;

  bool operator==(const RecordedCharge&) const = default;
};

struct ReservationRecord {
  bool is_settled = false;
  std::string unit;           // an id; empty: requests
  std::int64_t estimate = 0;  // units
  std::int64_t actual = 0;    // units; of one that is settled
  // Until when it can be settled. Of one that is not: since 1970, as if it had been made then; what
  // time it is Redis says.
  TimePoint until{};
  // Of one that is settled, those alone that units were moved of.
  std::vector<RecordedCharge> charges;
  limits::Receipts receipts;  // as the store has added them

  bool operator==(const ReservationRecord&) const = default;
};

// All of it but the receipts.
[[nodiscard]] std::string encode(const ReservationRecord& record);

// What a store keeps of it, with `until` as a time in any case. nullopt: it is something else.
[[nodiscard]] std::optional<ReservationRecord> decode_record(std::string_view bytes);

}  // namespace sluice::limiter
