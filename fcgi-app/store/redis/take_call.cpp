#include "store/redis/take_call.h"

#include <algorithm>

#include "limits/algorithm.h"
#include "limits/bytes.h"
#include "limits/calendar.h"

namespace sluice::store {
namespace {

using limits::append_integer;
using limits::Charge;
using limits::Decision;
using limits::Limit;

// In the place of the bits of a decision: an error follows.
constexpr std::uint16_t kFailed = 0xffff;
// The bit above them: a bar stands.
constexpr unsigned kBarred = 0x8000;
// The bytes of a length of time, in the argument.
constexpr std::size_t kLengthBytes = 6;

// Until when, from 1970, Lua counts microseconds exactly.
constexpr std::int64_t kExactUntil = std::int64_t{1} << 53;

constexpr std::string_view kCutShort = "ERR the script's reply is cut short";

}  // namespace

void TakeArgument::add(const limits::Ask& ask) {
  append_integer<std::uint8_t>(decisions_, ask.charges.size());
  append_integer<std::uint8_t>(decisions_, ask.bars.size());
  append_integer<std::uint8_t>(decisions_, ask.sets_bars() ? 1 : 0);
  for (const Charge& charge : ask.charges) {
    append_integer<std::uint16_t>(decisions_, buckets_.number_of(charge.key));
    append_integer<std::uint16_t>(decisions_, number_of(*charge.limit));
    append_integer<std::uint32_t>(decisions_, charge.cost);
  }
  for (const limits::Bar& bar : ask.bars) {
    append_integer<std::uint16_t>(decisions_, bars_.number_of(bar.key));
    std::string length;
    append_integer<std::int64_t>(length, bar.set_for.count());
    decisions_.append(length, 0, kLengthBytes);
  }
}

std::string TakeArgument::text() const {
  std::string text;
  append_integer<std::int64_t>(text, now_ ? microseconds_since_epoch(*now_) : 0);
  append_integer<std::uint16_t>(text, limits_.size());
  append_integer<std::uint16_t>(text, buckets_.list.size());
  for (const std::string& limit : limits_) text += limit;
  return text + decisions_;
}

std::vector<std::string_view> TakeArgument::keys() const {
  std::vector<std::string_view> keys = buckets_.list;
  keys.insert(keys.end(), bars_.list.begin(), bars_.list.end());
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
  append_integer<std::uint8_t>(text, limit.mode == limits::Mode::kShadow ? 1 : 0);
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

void TakeReply::read_bars(Decision& decision, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    const TimePoint until{Duration(next<std::int64_t>())};
    good_ = good_ && (until == TimePoint{} || (until > decision.at && limits::is_time(until)));
    if (good_ && until > decision.at) decision.bars.at(i) = until - decision.at;
  }
  good_ = good_ && decision.is_barred();
}

Result<Decision> TakeReply::decision(TimePoint at, const limits::Ask& ask) {
  const auto lacking = next<std::uint16_t>();
  if (lacking == kFailed) {
    const auto size = next<std::uint16_t>();
    const std::string text(rest_.substr(0, size));
    rest_.remove_prefix(text.size());
    good_ = good_ && text.size() == size;
    return fail({}, good_ ? text : std::string(kCutShort));
  }
  Decision decision{.store = limits::StoreState::kAnswered, .at = at, .limits = {}, .balances = {}};
  decision.limits.reserve(ask.charges.size());
  decision.balances.reserve(ask.charges.size());
  for (std::size_t i = 0; i < ask.charges.size(); ++i) {
    const Limit& limit = *ask.charges[i].limit;
    const bool fits = (lacking >> i & 1U) == 0;
    const limits::View seen = view(limit.algorithm);
    if (!good_) break;
    const std::int64_t waiting = fits ? 0 : ask.charges[i].cost;
    if (!limits::is_sound(seen, limit, waiting, at) || (!fits && waiting == 0)) {
      good_ = false;
      return fail({}, "ERR the script's reply makes no sense");
    }
    if (!fits && limit.mode != limits::Mode::kShadow) decision.allowed = false;
    decision.limits.push_back(&limit);
    decision.balances.push_back(limits::balance(seen, limit, waiting, at));
  }
  if ((lacking & kBarred) != 0) {
    read_bars(decision, ask.bars.size());
    decision.allowed = false;
  }
  if (!good_) return fail({}, std::string(kCutShort));
  return decision;
}

}  // namespace sluice::store
