#include "limits/outcome.h"

namespace sluice::limits {
namespace {

// Where a charge goes, and what it would change there.
struct Place {
  std::string_view key;
  Step step;
  std::vector<Change> openings;  // of the guards, should it be charged
  bool shared = false;
};

Place place_of(const Charge& charge, const Lookup& stored, TimePoint now) {
  const auto look = [&](std::string_view key) {
    return take(stored(key, *charge.limit), *charge.limit, charge.cost, now);
  };
  Place place{charge.key, look(charge.key), {}};
  if (place.step.in_use) return place;
  for (const Guard& guard : charge.guards) {
    Step opening = take(stored(guard.key, *guard.limit), *guard.limit, 1, now);
    if (!opening.fits) return {guard.shared_key, look(guard.shared_key), {}, true};
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
    decision.crowded = decision.crowded || place.shared;
  }
  for (std::size_t i = 0; i < charges.size(); ++i) {
    auto& [key, step, openings, shared] = places[i];
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
