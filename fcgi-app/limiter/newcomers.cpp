#include "limiter/newcomers.h"

#include <algorithm>
#include <array>
#include <type_traits>

#include "limiter/bucket_key.h"

namespace sluice::limiter {
namespace {

using limits::Fact;
using limits::Limit;

using Word = std::atomic<std::uint64_t>;
static_assert(Word::is_always_lock_free);

constexpr std::size_t kCounts = 65'536;
constexpr std::size_t kKnown = 655'360;
constexpr std::size_t kWay = 8;  // places in which an id may stand
// As near its bound a crowd is watched: more than can be on their way to the store at once.
constexpr std::int64_t kNear = 4096;

// A time that lies further ahead than `window` is of a clock that was set back since.
bool is_over(std::uint64_t until, Duration window, TimePoint now) {
  const TimePoint end{Duration(static_cast<std::int64_t>(until))};
  return end <= now || end - now > window;
}

std::uint64_t stored(TimePoint at) {
  return static_cast<std::uint64_t>(microseconds_since_epoch(at));
}

// The places of an id: a short row, so that nothing is ever searched for long.
template <class Place>
std::span<Place> row_of(std::span<Place> places, std::uint64_t id) {
  return places.subspan(id % (places.size() / kWay) * kWay, kWay);
}

}  // namespace

struct alignas(64) Newcomers::Head {
  std::array<Word, 2> seed;  // of the hashes; 0: not drawn yet
  Word near_until;           // until then some crowd is near its bound
};

struct Newcomers::Count {
  Word id;     // 0: nobody's
  Word until;  // the end of its window
  Word count;
};

struct Newcomers::Known {
  Word id;
  Word until;
};

Newcomers::Newcomers(Options options, std::span<std::byte> memory)
    : options_(options),
      head_(reinterpret_cast<Head*>(memory.data())),
      counts_(reinterpret_cast<Count*>(memory.data() + sizeof(Head)), kCounts),
      known_(reinterpret_cast<Known*>(counts_.data() + kCounts), kKnown) {
  static_assert(sizeof(Head) + kCounts * sizeof(Count) + kKnown * sizeof(Known) <= kBytes);
  // With a seed that can be guessed the bounds can be disturbed.
  const SipHash::Seed random = SipHash::random_seed();
  for (std::size_t i = 0; i < seed_.size(); ++i) {
    std::uint64_t drawn = 0;  // the first worker's stands
    const std::uint64_t mine = random[i] | 1U;
    seed_[i] = head_->seed[i].compare_exchange_strong(drawn, mine) ? mine : drawn;
  }
}

std::vector<Newcomers::Crowd> Newcomers::crowds_of(const Limit& limit,
                                                   const identity::Identity& identity,
                                                   std::string_view route) const {
  const auto& parts = limit.scope.parts;
  const bool varies = std::any_of(parts.begin(), parts.end(), [](const limits::ScopePart& part) {
    return part.fact != Fact::kTenant && part.fact != Fact::kRoute;
  });
  std::vector<Crowd> crowds;
  if (!varies) return crowds;
  const Duration window = std::min(limit.lifetime(), limits::kMaxWindow);
  if (options_.per_tenant > 0) {
    crowds.push_back({crowd_name(limit, ""), options_.per_tenant, window});
  }
  const std::string_view network = network_of(identity.address);
  const bool many_addresses = network.size() < identity.address.size();
  const bool many_values = limit.scope.has(Fact::kHeader) || limit.scope.has(Fact::kFact) ||
                           (limit.scope.has(Fact::kSession) && identity.session);
  if (options_.per_network > 0 &&
      (many_values || (many_addresses && counts_address(limit, identity, route)))) {
    crowds.push_back({crowd_name(limit, network), options_.per_network, window});
  }
  return crowds;
}

bool Newcomers::is_any_near(TimePoint now) const {
  return head_->near_until.load(std::memory_order_relaxed) > stored(now);
}

const Newcomers::Crowd* Newcomers::full(std::span<const Crowd> crowds, TimePoint now) const {
  const auto found = std::find_if(crowds.begin(), crowds.end(), [&](const Crowd& crowd) {
    const Count* const at = find(id_of(crowd.name));
    return at && !is_over(at->until, crowd.window, now) &&
           static_cast<std::int64_t>(at->count) >= crowd.most;
  });
  return found == crowds.end() ? nullptr : &*found;
}

const Newcomers::Crowd* Newcomers::reserve(std::span<const Crowd> crowds, TimePoint now) {
  for (std::size_t i = 0; i < crowds.size(); ++i) {
    if (count(crowds[i], now) <= crowds[i].most) continue;
    release(crowds.first(i + 1));
    return &crowds[i];
  }
  return nullptr;
}

void Newcomers::release(std::span<const Crowd> crowds) {
  for (const Crowd& crowd : crowds) {
    Count* const at = find(id_of(crowd.name));
    std::uint64_t counted = at ? at->count.load() : 0;
    while (counted > 0 && !at->count.compare_exchange_weak(counted, counted - 1)) {
    }
  }
}

bool Newcomers::knows(std::string_view key, Duration window, TimePoint now) const {
  const std::uint64_t id = id_of(key);
  const auto row = row_of(known_, id);
  return std::any_of(row.begin(), row.end(), [&](const Known& place) {
    return place.id == id && !is_over(place.until, window, now);
  });
}

bool Newcomers::remember(std::string_view key, Duration window, TimePoint now) {
  const std::uint64_t id = id_of(key);
  const auto row = row_of(known_, id);
  auto place = std::find_if(row.begin(), row.end(), [&](const Known& p) { return p.id == id; });
  const bool is_known = place != row.end() && !is_over(place->until, window, now);
  if (place == row.end()) {  // in the place of who is forgotten first
    place = std::min_element(row.begin(), row.end(),
                             [](const Known& a, const Known& b) { return a.until < b.until; });
  }
  place->id = id;
  place->until = stored(now + window);
  return !is_known;
}

void Newcomers::opened(std::string_view key, std::span<const Crowd> crowds, TimePoint now) {
  if (crowds.empty() || !remember(key, crowds.front().window, now)) return;
  for (const Crowd& crowd : crowds) (void)count(crowd, now);
}

bool Newcomers::forget(const Crowd& crowd) {
  Count* const at = find(id_of(crowd.name));
  return at && at->count.exchange(0) > 0;
}

std::uint64_t Newcomers::id_of(std::string_view name) const {
  return SipHash::of(name, seed_) | 1U;  // never 0
}

Newcomers::Count* Newcomers::find(std::uint64_t id) const {
  const auto row = row_of(counts_, id);
  const auto at = std::find_if(row.begin(), row.end(), [&](const Count& c) { return c.id == id; });
  return at == row.end() ? nullptr : &*at;
}

// Of a crowd that has none yet, the place whose window ends first.
Newcomers::Count& Newcomers::room_for(std::uint64_t id, TimePoint now) {
  if (Count* const at = find(id)) return *at;
  const auto row = row_of(counts_, id);
  Count& at = *std::min_element(row.begin(), row.end(),
                                [](const Count& a, const Count& b) { return a.until < b.until; });
  at.id = id;
  at.until = stored(now);
  at.count = 0;
  return at;
}

// One more; how many there are then.
std::int64_t Newcomers::count(const Crowd& crowd, TimePoint now) {
  Count& at = room_for(id_of(crowd.name), now);
  if (is_over(at.until, crowd.window, now)) {
    at.until = stored(now + crowd.window);
    at.count = 0;
  }
  const auto counted = static_cast<std::int64_t>(++at.count);
  if (counted + kNear < crowd.most) return counted;
  const std::uint64_t until = at.until;
  std::uint64_t known = head_->near_until;
  while (known < until && !head_->near_until.compare_exchange_weak(known, until)) {
  }
  return counted;
}

}  // namespace sluice::limiter
