#include "limits/outcome.h"

namespace sluice::limits {
namespace {

// Where a charge goes, and what it would change there.
struct Place {
  std::string_view key;
  Step step;
  std::vector<Change> openings;  // of the guards, should it be charged
};

// Whether `bucket` still is the one that its caller opened: in use, or drained not long ago. A
// bucket drains unit by unit, and whoever keeps within his rate must not open it at each.
bool is_open(const std::optional<Bucket>& bucket, const Step& step, const Limit& limit,
             TimePoint now) {
  if (step.in_use) return true;
  const auto* const level = bucket ? std::get_if<Level>(&bucket->state) : nullptr;
  return level && bucket->terms == limit.terms() && level->at <= now &&
         now - level->at < limit.lifetime();
}

Place place_of(const Charge& charge, const Lookup& stored, TimePoint now) {
  const Limit& limit = *charge.limit;
  const auto bucket = stored(charge.key, limit);
  Place place{charge.key, take(bucket, limit, charge.cost, now), {}};
  if (charge.guards.empty()) return place;
  if (is_bucket(limit.algorithm)) place.step.keep_for = limit.lifetime();
  if (is_open(bucket, place.step, limit, now)) return place;
  for (const Guard& guard : charge.guards) {
    Step opening = take(stored(guard.key, *guard.limit), *guard.limit, 1, now);
    if (!opening.fits) {
      const auto shared = stored(guard.shared_key, limit);
      return {guard.shared_key, take(shared, limit, charge.cost, now), {}};
    }
    place.openings.push_back({guard.key, std::move(*opening.after), opening.keep_for});
  }
  return place;
}

}  // namespace

Outcome decide(std::span<const Charge> charges, const Lookup& stored, TimePoint now) {
  Outcome outcome{{.store = StoreState::kAnswered, .at = now, .limits = {}, .balances = {}}, {}};
  Decision& decision = outcome.decision;
  std::vector<Place> places;
  for (const Charge& charge : charges) {
    const Place& place = places.emplace_back(place_of(charge, stored, now));
    if (!place.step.fits && charge.limit->mode != Mode::kShadow) decision.allowed = false;
    decision.crowded = decision.crowded || place.key != charge.key;
  }
  for (std::size_t i = 0; i < charges.size(); ++i) {
    auto& [key, step, openings] = places[i];
    const Limit& limit = *charges[i].limit;
    const bool charge = decision.allowed && step.fits && charges[i].cost > 0;
    const std::int64_t waiting = step.fits ? 0 : limit.room_for(charges[i].cost);
    const View seen = view(charge ? step.after : step.before, limit, waiting, now);
    decision.limits.push_back(&limit);
    decision.balances.push_back(balance(seen, limit, waiting, now));
    if (!charge) continue;
    outcome.changes.push_back({key, std::move(*step.after), step.keep_for});
    for (Change& opening : openings) outcome.changes.push_back(std::move(opening));
  }
  return outcome;
}

}  // namespace sluice::limits
