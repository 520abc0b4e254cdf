#include "limiter/reservations.h"

#include <algorithm>
#include <cstdlib>
#include <set>

#include "base/append.h"
#include "limiter/reservation_record.h"
#include "limiter/reserved_units.h"
#include "limits/algorithm.h"

namespace sluice::limiter {
namespace {

using limits::Charge;
using limits::Limit;
using limits::Mark;
using limits::Move;

// Others may settle the same at the same moment: then this many times the mark is looked at.
constexpr int kLooks = 3;
// Behind the value of a mark without charges: when it was written.
constexpr std::size_t kReceiptsBytes = 8;
constexpr std::size_t kIdLength = 32;

std::string text_of(const DecisionId& id) {
  std::string text;
  append_hex(text, id);
  return text;
}

RecordedCharge recorded(const Charge& charge, RecordedCharge::Kind kind) {
  const Limit& limit = *charge.limit;
  return {charge.key, limit.tenant, limit.name, limit.terms(), kind};
}

// What is to be moved of what was reserved. Its charges refer to it.
struct Plan {
  Plan(const ReservationRecord& record, std::int64_t actual, const limits::Plans& plans);
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;
  ~Plan() = default;

  Limit counter;
  ReservationRecord settled;
  std::vector<Charge> charges;
};

Plan::Plan(const ReservationRecord& record, std::int64_t actual, const limits::Plans& plans)
    : counter(reserved_counter(record.until - record.receipts.at)), settled(record) {
  settled.is_settled = true;
  settled.actual = actual;
  settled.charges.clear();
  const std::int64_t more = actual - record.estimate;
  for (std::size_t i = 0; i < record.charges.size(); ++i) {
    const RecordedCharge& charge = record.charges[i];
    const limits::Receipt& receipt = record.receipts.charges[i];
    // A limit in shadow mode that had no room was not charged.
    if (charge.kind == RecordedCharge::Kind::kExact || receipt.units == 0) continue;
    const bool is_counter = charge.kind == RecordedCharge::Kind::kCounter;
    const Limit* const limit = is_counter ? &counter : plans.find(charge.tenant, charge.name);
    const std::int64_t units = is_counter ? -record.estimate : more;
    if (!limit || units == 0 || (units < 0 && charge.terms != limit->terms())) continue;
    charges.push_back({charge.key, limit, std::abs(units), units > 0 ? Move::kTopUp : Move::kRefund,
                       limits::trace_of(receipt.after, receipt.units, limit->terms())});
    settled.charges.push_back(recorded(charges.back(), charge.kind));
  }
}

Settlement settlement_of(const ReservationRecord& record) {
  Settlement settlement{record.unit, record.estimate, record.actual, {}};
  for (std::size_t i = 0; i < record.charges.size(); ++i) {
    if (record.charges[i].kind == RecordedCharge::Kind::kCounter) continue;
    settlement.moved.push_back({record.charges[i].name, record.receipts.charges[i].units});
  }
  return settlement;
}

}  // namespace

std::unique_ptr<const Reservations::Draft> Reservations::draft(std::span<const Charge> charges,
                                                               const limits::Cost& cost,
                                                               const DecisionId& id,
                                                               TimePoint now) const {
  const std::string_view unit = cost.estimate->unit;
  const auto is_estimate = [&](const Charge& charge) { return charge.limit->unit == unit; };
  const auto first = std::find_if(charges.begin(), charges.end(), is_estimate);
  if (first == charges.end()) return nullptr;
  const std::string_view tag = tag_in(first->key);
  auto draft = std::make_unique<Draft>();
  draft->counter = reserved_counter(cost.settle_within);
  draft->charges.assign(charges.begin(), charges.end());
  ReservationRecord record;
  record.unit = unit;
  record.estimate = cost.estimate->units;
  record.until = TimePoint(cost.settle_within);
  std::vector<RecordedCharge> counters;
  for (const Charge& charge : charges) {
    if (tag_in(charge.key) != tag) continue;
    using Kind = RecordedCharge::Kind;
    record.charges.push_back(
        recorded(charge, is_estimate(charge) ? Kind::kEstimate : Kind::kExact));
    if (!is_estimate(charge) || charge.cost == 0) continue;
    draft->charges.push_back(
        {reserved_key(charge.key, cost.settle_within, now + cost.settle_within), &draft->counter,
         charge.cost});
    counters.push_back(recorded(draft->charges.back(), Kind::kCounter));
  }
  record.charges.insert(record.charges.end(), counters.begin(), counters.end());
  draft->mark = {reservation_key(keys_, tag, text_of(id)), "", encode(record),
                 cost.settle_within + kRemembered};
  return draft;
}

Task<Result<void>> Reservations::publish(const Mark& mark, const DecisionId& id) const {
  const Mark place{reservation_place_key(keys_, text_of(id)), "", std::string(tag_in(mark.key)),
                   mark.keep_for};
  const auto decision = co_await store_.take({{}, {}, &place}, std::nullopt);
  if (!decision) co_return tl::unexpected(decision.error());
  co_return Result<void>{};
}

Task<Result<std::string>> Reservations::key_of(std::string_view id) const {
  const bool is_hex = id.find_first_not_of("0123456789abcdef") == std::string_view::npos;
  const bool is_id = is_hex && id.size() == kIdLength;
  if (!is_id) co_return fail(ErrorCode::kNoReservation);
  const std::string place_key = reservation_place_key(keys_, id);
  auto place = co_await store_.read(place_key);
  if (!place) co_return tl::unexpected(place.error());
  if (!*place || (*place)->size() < kReceiptsBytes) co_return fail(ErrorCode::kNoReservation);
  const std::string_view tag =
      std::string_view(**place).substr(0, (*place)->size() - kReceiptsBytes);
  co_return reservation_key(keys_, tag, id);
}

Task<Result<Settlement>> Reservations::settle(const limits::Plans& plans, std::string_view id,
                                              std::int64_t actual, TimePoint now) const {
  const auto key = co_await key_of(id);
  if (!key) co_return tl::unexpected(key.error());
  for (int look = 0; look < kLooks; ++look) {
    const auto bytes = co_await store_.read(*key);
    if (!bytes) co_return tl::unexpected(bytes.error());
    if (!*bytes) co_return fail(ErrorCode::kNoReservation);
    const auto record = decode_record(**bytes);
    if (!record) co_return fail(ErrorCode::kStoreFault, "a reservation holds something else");
    if (record->is_settled) {
      if (record->actual != actual) co_return fail(ErrorCode::kSettledOtherwise);
      co_return settlement_of(*record);
    }
    if (record->until <= now) co_return fail(ErrorCode::kReservationOver);
    const Plan plan(*record, actual, plans);
    const Mark mark{*key, **bytes, encode(plan.settled), record->until - now + kRemembered};
    const auto decision = co_await store_.take({plan.charges, {}, &mark}, std::nullopt);
    if (!decision) co_return tl::unexpected(decision.error());
  }
  co_return fail(ErrorCode::kStoreUnavailable);
}

Task<Result<std::int64_t>> Reservations::reserved(std::string key, std::vector<Duration> lives,
                                                  TimePoint now) const {
  std::int64_t units = 0;
  std::set<std::string, std::less<>> seen;
  for (const Duration life : lives) {
    const Limit counter = reserved_counter(life);
    std::vector<Charge> peeks;
    for (const std::string& each : reserved_keys(key, life, now)) {
      if (seen.insert(each).second) peeks.push_back({each, &counter, 0});
    }
    for (std::span<const Charge> rest = peeks; !rest.empty();) {
      const auto asked = rest.first(std::min(rest.size(), limits::kMaxCharges));
      const auto decision = co_await store_.take({asked}, std::nullopt);
      if (!decision) co_return tl::unexpected(decision.error());
      for (const auto& balance : decision->balances) units += counter.quota() - balance.remaining;
      rest = rest.subspan(asked.size());
    }
  }
  co_return units;
}

}  // namespace sluice::limiter
