#include "store/redis/take_call.h"

#include <algorithm>

#include "limits/algorithm.h"
#include "limits/bytes.h"
#include "limits/calendar.h"

namespace sluice::store::redis {
namespace {

using limits::append_integer;
using limits::Charge;
using limits::Decision;
using limits::Limit;

// In the place of the number of guards: there are some, and they were left out.
constexpr unsigned kLeftOut = 255;
// In the place of the bits of a decision: an error follows.
constexpr std::uint16_t kFailed = 0xffff;
// The bit above them.
constexpr unsigned kCrowded = 0x8000;

// Until when, from 1970, Lua counts microseconds exactly.
constexpr std::int64_t kExactUntil = std::int64_t{1} << 53;

constexpr std::string_view kCutShort = "ERR the script's reply is cut short";

// Whether it only asks if something holds. The script answers such without a look at the limit.
bool is_question(const Charge& charge) {
  return charge.limit->mode == limits::Mode::kHold && is_bucket(charge.limit->algorithm) &&
         charge.cost == 0 && charge.guards.empty();
}

}  // namespace

void TakeArgument::add_buckets(std::span<const Charge> charges) {
  for (const Charge& charge : charges) {
    if (!is_question(charge)) (void)keys_.number_of(charge.key);
  }
  bucket_count_ = keys_.list.size();
}

void TakeArgument::add_decision(std::span<const Charge> charges, const GuardHints& hints) {
  // What another decision of this call charges is no longer only asked after.
  const auto asked = std::find_if(charges.rbegin(), charges.rend(), [&](const Charge& charge) {
    return !is_question(charge) || keys_.numbers.contains(charge.key);
  });
  const std::size_t first_asked = static_cast<std::size_t>(charges.rend() - asked);
  append_integer<std::uint8_t>(decisions_, charges.size());
  append_integer<std::uint8_t>(decisions_, charges.size() - first_asked);
  for (std::size_t i = 0; i < charges.size(); ++i) {
    const Charge& charge = charges[i];
    Keys& keys = i < first_asked ? keys_ : asked_keys_;
    append_integer<std::uint16_t>(decisions_, keys.number_of(charge.key));
    append_integer<std::uint16_t>(decisions_, number_of(*charge.limit));
    append_integer<std::uint32_t>(decisions_, charge.cost);
    add_guards(charge, hints);
  }
}

void TakeArgument::add_guards(const Charge& charge, const GuardHints& hints) {
  if (!charge.guards.empty() && hints.is_open(charge.key, estimate_)) {
    return append_integer<std::uint8_t>(decisions_, kLeftOut);
  }
  const bool shares = hints.is_crowded(estimate_);
  append_integer<std::uint8_t>(decisions_, charge.guards.size());
  for (const limits::Guard& guard : charge.guards) {
    append_integer<std::uint16_t>(decisions_, keys_.number_of(guard.key));
    append_integer<std::uint16_t>(decisions_, number_of(*guard.limit));
    append_integer<std::uint16_t>(decisions_, shares ? keys_.number_of(guard.shared_key) : 0);
  }
}

std::string TakeArgument::text() const {
  std::string text;
  append_integer<std::int64_t>(text, now_ ? microseconds_since_epoch(*now_) : 0);
  append_integer<std::uint16_t>(text, limits_.size());
  append_integer<std::uint16_t>(text, bucket_count_);
  append_integer<std::uint16_t>(text, asked_keys_.list.size());
  for (const std::string& limit : limits_) text += limit;
  return text + decisions_;
}

std::vector<std::string_view> TakeArgument::keys() const {
  std::vector<std::string_view> keys = keys_.list;
  keys.insert(keys.end(), asked_keys_.list.begin(), asked_keys_.list.end());
  return keys;
}

std::size_t TakeArgument::Keys::number_of(std::string_view key) {
  const auto [found, is_new] = numbers.try_emplace(key, list.size() + 1);
  if (is_new) list.push_back(key);
  return found->second;
}

// Limits that read alike are one: tenants of a plan share its figures.
std::size_t TakeArgument::number_of(const Limit& limit) {
  const limits::Terms terms = limit.terms();
  std::string text = limits::encode(terms);
  append_integer<std::uint32_t>(text, terms.tick.count());
  append_integer<std::uint8_t>(text, limit.on_change);
  append_integer<std::uint8_t>(text, limit.mode);
  if (terms.alignment == limits::Alignment::kCalendar) {
    const auto boundaries =
        limits::calendar_boundaries(limit.rate.window.unit, limit.time_zone, estimate_);
    for (const TimePoint boundary : boundaries) {
      append_integer<std::int64_t>(text, microseconds_since_epoch(boundary));
    }
  }
  const auto found = std::find(limits_.begin(), limits_.end(), text);
  const auto number = static_cast<std::size_t>(found - limits_.begin()) + 1;
  if (found == limits_.end()) limits_.push_back(std::move(text));
  return number;
}

template <class Stored>
Stored TakeReply::next() {
  good_ = good_ && rest_.size() >= sizeof(Stored);
  return good_ ? limits::take_integer<Stored>(rest_) : Stored{};
}

limits::View TakeReply::view(limits::Algorithm algorithm) {
  const auto view = good_ ? limits::decode_view(algorithm, rest_) : std::nullopt;
  good_ = view.has_value();
  return view.value_or(limits::View{});
}

TimePoint TakeReply::at() {
  const auto at = next<std::int64_t>();
  has_time_ = good_ && at >= 0 && at <= kExactUntil;
  return TimePoint(Duration(at));
}

Result<Decision> TakeReply::decision(TimePoint at, std::span<const Charge> charges) {
  if (!ended_by_.empty()) return fail({}, std::string(ended_by_));
  const auto lacking = next<std::uint16_t>();
  if (lacking == kFailed) {
    const auto size = next<std::uint16_t>();
    const std::string text(rest_.substr(0, size));
    rest_.remove_prefix(text.size());
    good_ = good_ && text.size() == size;
    for (const std::string_view lacking_keys : {kGuardsLacking, kSharedLacking}) {
      if (good_ && text == lacking_keys) ended_by_ = lacking_keys;
    }
    return fail({}, good_ ? text : std::string(kCutShort));
  }
  Decision decision{.store = limits::StoreState::kAnswered, .at = at, .limits = {}, .balances = {}};
  decision.crowded = (lacking & kCrowded) != 0;
  decision.limits.reserve(charges.size());
  decision.balances.reserve(charges.size());
  for (std::size_t i = 0; i < charges.size(); ++i) {
    const Limit& limit = *charges[i].limit;
    const bool fits = (lacking >> i & 1U) == 0;
    const limits::View seen = view(limit.algorithm);
    if (!good_) break;
    const std::int64_t waiting = fits ? 0 : limit.room_for(charges[i].cost);
    if (!limits::is_sound(seen, limit, waiting, at) || (!fits && waiting == 0)) {
      good_ = false;
      return fail({}, "ERR the script's reply makes no sense");
    }
    if (!fits && limit.mode != limits::Mode::kShadow) decision.allowed = false;
    decision.limits.push_back(&limit);
    decision.balances.push_back(limits::balance(seen, limit, waiting, at));
  }
  if (!good_) return fail({}, std::string(kCutShort));
  return decision;
}

}  // namespace sluice::store::redis
