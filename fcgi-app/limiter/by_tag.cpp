#include "limiter/by_tag.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "limiter/bucket_key.h"

namespace sluice::limiter {
namespace {

using limits::Ask;
using limits::Bar;
using limits::Charge;
using limits::Decision;

// What is asked of one tag, and where it stands in the whole.
struct Party {
  std::string_view tag;
  std::vector<Charge> charges;
  std::vector<Bar> bars;
  std::vector<std::size_t> charge_places;
  std::vector<std::size_t> bar_places;
  const limits::Mark* mark = nullptr;
  Decision decision = {};

  [[nodiscard]] Ask ask() const { return {charges, bars, mark}; }
  [[nodiscard]] bool will_deny() const {
    if (decision.is_barred()) return true;
    for (std::size_t i = 0; i < charges.size(); ++i) {
      const bool enforces = charges[i].limit->mode != limits::Mode::kShadow;
      if (enforces && decision.balances[i].remaining < charges[i].cost) return true;
    }
    return false;
  }
};

Party& party_of(std::vector<Party>& parties, std::string_view key) {
  const std::string_view tag = tag_in(key);
  const auto found = std::find_if(parties.begin(), parties.end(),
                                  [&](const Party& party) { return party.tag == tag; });
  if (found != parties.end()) return *found;
  parties.emplace_back().tag = tag;
  return parties.back();
}

std::vector<Party> parties_of(const Ask& ask) {
  std::vector<Party> parties;
  for (std::size_t i = 0; i < ask.charges.size(); ++i) {
    Party& party = party_of(parties, ask.charges[i].key);
    party.charges.push_back(ask.charges[i]);
    party.charge_places.push_back(i);
  }
  for (std::size_t i = 0; i < ask.bars.size(); ++i) {
    Party& party = party_of(parties, ask.bars[i].key);
    party.bars.push_back(ask.bars[i]);
    party.bar_places.push_back(i);
  }
  if (ask.mark) party_of(parties, ask.mark->key).mark = ask.mark;
  return parties;
}

Decision whole(const std::vector<Party>& parties, const Ask& ask) {
  Decision decision;
  decision.limits.resize(ask.charges.size());
  decision.balances.resize(ask.charges.size());
  for (const Party& party : parties) {
    decision.allowed = decision.allowed && party.decision.allowed;
    decision.is_stale = decision.is_stale || party.decision.is_stale;
    decision.at = std::max(decision.at, party.decision.at);
    decision.source = std::max(decision.source, party.decision.source);
    for (std::size_t i = 0; i < party.charges.size(); ++i) {
      decision.limits[party.charge_places[i]] = party.charges[i].limit;
      decision.balances[party.charge_places[i]] = party.decision.balances[i];
    }
    for (std::size_t i = 0; i < party.bars.size(); ++i) {
      decision.bars.at(party.bar_places[i]) = party.decision.bars.at(i);
    }
  }
  return decision;
}

Task<Result<void>> look(store::BucketStore& store, Party& party) {
  std::vector<Charge> peeks = party.charges;
  std::vector<Bar> bars = party.bars;
  for (Charge& peek : peeks) peek.cost = 0;
  for (Bar& bar : bars) bar.set_for = Duration::zero();
  auto seen = co_await store.take({peeks, bars}, std::nullopt);
  if (!seen) co_return tl::unexpected(seen.error());
  party.decision = std::move(*seen);
  co_return Result<void>{};
}

Task<Result<Decision>> take_each(store::BucketStore& store, Ask ask) {
  std::vector<Party> parties = parties_of(ask);
  for (Party& party : parties) {
    const auto seen = co_await look(store, party);
    if (!seen) co_return tl::unexpected(seen.error());
  }
  std::stable_partition(parties.begin(), parties.end(),
                        [](const Party& party) { return party.will_deny(); });
  for (Party& party : parties) {
    auto taken = co_await store.take(party.ask(), std::nullopt);
    if (!taken) co_return tl::unexpected(taken.error());
    party.decision = std::move(*taken);
    if (!party.decision.allowed) break;
  }
  co_return whole(parties, ask);
}

}  // namespace

Task<Result<Decision>> take_by_tag(store::BucketStore& store, Ask ask) {
  const std::string_view tag =
      tag_in(ask.charges.empty() ? ask.bars.front().key : ask.charges.front().key);
  const auto has_tag = [&](const auto& asked) { return tag_in(asked.key) == tag; };
  if (std::all_of(ask.charges.begin(), ask.charges.end(), has_tag) &&
      std::all_of(ask.bars.begin(), ask.bars.end(), has_tag) && (!ask.mark || has_tag(*ask.mark))) {
    return store.take(ask, std::nullopt);
  }
  return take_each(store, ask);
}

Task<Result<std::int64_t>> reset_by_tag(store::BucketStore& store, std::vector<std::string> keys) {
  std::stable_sort(keys.begin(), keys.end(),
                   [](const auto& a, const auto& b) { return tag_in(a) < tag_in(b); });
  std::int64_t used = 0;
  for (auto first = keys.begin(); first != keys.end();) {
    const auto last = std::find_if(first, keys.end(),
                                   [&](const auto& key) { return tag_in(key) != tag_in(*first); });
    const auto count = co_await store.reset({first, last});
    if (!count) co_return count;
    used += *count;
    first = last;
  }
  co_return used;
}

}  // namespace sluice::limiter
