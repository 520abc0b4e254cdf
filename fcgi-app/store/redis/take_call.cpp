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
// The bits above them: a bar stands, the mark was not as expected.
constexpr unsigned kBarred = 0x8000;
constexpr unsigned kStale = 0x4000;
// Before the decision: what it has besides charges and bars that only ask.
constexpr unsigned kSetsBars = 1;
constexpr unsigned kHasMark = 2;
// Added to a cost. REQUIRES: kMaxQuota is less.
constexpr std::int64_t kTopUp = std::int64_t{1} << 30U;
constexpr std::int64_t kRefund = std::int64_t{1} << 31U;
static_assert(limits::kMaxQuota < kTopUp);
// The bytes of a length of time, in the argument.
constexpr std::size_t kLengthBytes = 6;
// What text() begins with.
constexpr std::size_t kHeadBytes = 12;
// Room for the keys of a few decisions; a batch has up to 64.
constexpr std::size_t kFirstSlots = 64;

// Until when, from 1970, Lua counts microseconds exactly.
constexpr std::int64_t kExactUntil = std::int64_t{1} << 53;

constexpr std::string_view kCutShort = "ERR the script's reply is cut short";

std::int64_t cost_of(const Charge& charge) {
  switch (charge.move) {
    case limits::Move::kTake:
      break;
    case limits::Move::kTopUp:
      return charge.cost + kTopUp;
    case limits::Move::kRefund:
      return charge.cost + kRefund;
  }
  return charge.cost;
}

void append_length(std::string& bytes, Duration length) {
  append_integer<std::int64_t>(bytes, length.count());
  bytes.resize(bytes.size() - (sizeof(std::int64_t) - kLengthBytes));
}

}  // namespace

void TakeArgument::add(const limits::Ask& ask) {
  append_integer<std::uint8_t>(decisions_, ask.charges.size());
  append_integer<std::uint8_t>(decisions_, ask.bars.size());
  append_integer<std::uint8_t>(decisions_,
                               (ask.sets_bars() ? kSetsBars : 0) + (ask.mark ? kHasMark : 0));
  for (const Charge& charge : ask.charges) {
    append_integer<std::uint16_t>(decisions_, buckets_.number_of(charge.key));
    append_integer<std::uint16_t>(decisions_, number_of(*charge.limit));
    append_integer<std::uint32_t>(decisions_, cost_of(charge));
  }
  for (const limits::Bar& bar : ask.bars) {
    append_integer<std::uint16_t>(decisions_, bars_.number_of(bar.key));
    append_length(decisions_, bar.set_for);
  }
  if (ask.mark) add_mark(ask);
}

void TakeArgument::add_mark(const limits::Ask& ask) {
  const limits::Mark& mark = *ask.mark;
  append_integer<std::uint16_t>(decisions_, bars_.number_of(mark.key));
  append_length(decisions_, mark.keep_for);
  append_integer<std::uint16_t>(decisions_, mark.expected.size());
  append_integer<std::uint16_t>(decisions_, mark.value.size());
  decisions_.append(mark.expected).append(mark.value);
  for (const Charge& charge : ask.charges) {
    append_integer<std::int64_t>(decisions_, microseconds_since_epoch(charge.trace.at));
    append_integer<std::int64_t>(decisions_, charge.trace.level);
  }
}

std::string TakeArgument::text() const {
  std::string text;
  text.reserve(kHeadBytes + limits_.size() + decisions_.size());
  append_integer<std::int64_t>(text, now_ ? microseconds_since_epoch(*now_) : 0);
  append_integer<std::uint16_t>(text, limit_ends_.size());
  append_integer<std::uint16_t>(text, buckets_.list().size());
  text.append(limits_).append(decisions_);
  return text;
}

void TakeArgument::append_keys(std::vector<std::string_view>& arguments) const {
  for (const Keys* keys : {&buckets_, &bars_}) {
    arguments.insert(arguments.end(), keys->list().begin(), keys->list().end());
  }
}

std::size_t TakeArgument::Keys::number_of(std::string_view key) {
  if (slots_.size() < 2 * (list_.size() + 1)) grow();
  std::uint16_t& slot = slot_of(key);
  if (slot == 0) {
    list_.push_back(key);
    slot = static_cast<std::uint16_t>(list_.size());
  }
  return slot;
}

// The key's own, or the free one for it.
std::uint16_t& TakeArgument::Keys::slot_of(std::string_view key) {
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = std::hash<std::string_view>{}(key)&mask;
  while (slots_[at] != 0 && list_[slots_[at] - 1U] != key) at = (at + 1) & mask;
  return slots_[at];
}

void TakeArgument::Keys::grow() {
  slots_.assign(std::max(kFirstSlots, 2 * slots_.size()), 0);
  list_.reserve(slots_.size() / 2);
  for (std::size_t i = 0; i < list_.size(); ++i) {
    slot_of(list_[i]) = static_cast<std::uint16_t>(i + 1);
  }
}

// Limits that read alike are one: tenants of a plan share its figures.
std::size_t TakeArgument::number_of(const Limit& limit) {
  const std::size_t start = limits_.size();
  append_limit(limit);
  const std::string_view all = limits_;
  const std::string_view added = all.substr(start);
  std::size_t from = 0;
  for (std::size_t i = 0; i < limit_ends_.size(); from = limit_ends_[i++]) {
    if (all.substr(from, limit_ends_[i] - from) != added) continue;
    limits_.resize(start);
    return i + 1;
  }
  limit_ends_.push_back(limits_.size());
  return limit_ends_.size();
}

void TakeArgument::append_limit(const Limit& limit) {
  const limits::Terms terms = limit.terms();
  limits::append(limits_, terms);
  append_integer<std::uint32_t>(limits_, terms.tick.count());
  append_integer<std::uint8_t>(limits_, limit.on_change);
  append_integer<std::uint8_t>(limits_, limit.mode == limits::Mode::kShadow ? 1 : 0);
  if (terms.alignment != limits::Alignment::kCalendar) return;
  for (const TimePoint boundary :
       limits::calendar_boundaries(limit.rate.window.unit, limit.time_zone, estimate_)) {
    append_integer<std::int64_t>(limits_, microseconds_since_epoch(boundary));
  }
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
  good_ = good_ && at >= 0 && at <= kExactUntil;
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
    good_ = good_ && !text.empty() && text.size() == size;
    return fail({}, good_ ? text : std::string(kCutShort));
  }
  Decision decision{.source = limits::Source::kRedis, .at = at, .limits = {}, .balances = {}};
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
  decision.is_stale = (lacking & kStale) != 0;
  if (decision.is_stale) decision.allowed = false;
  good_ = good_ && (ask.mark || !decision.is_stale);
  if (!good_) return fail({}, std::string(kCutShort));
  return decision;
}

}  // namespace sluice::store
