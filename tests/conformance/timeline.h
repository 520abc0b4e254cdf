// Random timelines of decisions over several limits, with times that the test chooses.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "conformance/store_under_test.h"
#include "limits/algorithm.h"
#include "limits/receipts.h"

namespace sluice {

inline constexpr unsigned kSeed = 20261121;
inline constexpr TimePoint kStart{std::chrono::seconds(1'800'000'000) +
                                  std::chrono::microseconds(123'457)};

inline std::vector<std::string> keys_of(const Asked& asked) {
  std::vector<std::string> keys;
  for (const limits::Charge& charge : asked.charges) keys.push_back(charge.key);
  for (const limits::Bar& bar : asked.bars) keys.push_back(bar.key);
  if (asked.mark) keys.push_back(asked.mark->key);
  return keys;
}

// A timeline: what is charged next, and when.
class Timeline {
  using Algorithm = limits::Algorithm;
  using Alignment = limits::Alignment;
  using Charge = limits::Charge;
  using Limit = limits::Limit;
  using Move = limits::Move;
  using Unit = limits::Unit;

 public:
  explicit Timeline(Algorithm algorithm) : algorithm_(algorithm) {
    for (const auto& [quota, window] : kRates) {
      Limit limit{.name = "l" + std::to_string(limits_.size()), .rate = {quota, window}};
      limit.algorithm = algorithm;
      if (limit.complaint()) limit.rate.quota = limits::kMaxLogQuota;
      limits_.push_back(limit);
    }
  }

  // One loop turn: decisions of the same moment.
  std::vector<Asked> next_turn() {
    advance();
    if (below(100) == 0) change_a_limit();
    std::vector<Asked> turn;
    for (auto left = 1 + below(12); left > 0; --left) {
      turn.push_back(below(8) == 0 ? next_marked() : next_decision());
    }
    return turn;
  }

  // What stands under the mark of such a decision after the turn.
  void learn(const Asked& asked, const std::optional<std::string>& bytes) {
    Reserved& reserved = marks_[asked.mark->key];
    if (bytes && reserved.bytes == *bytes) return;
    reserved = {};
    if (!bytes) return;
    reserved.bytes = *bytes;
    const std::size_t value = asked.mark->value.size();
    std::vector<Algorithm> algorithms;
    for (const Charge& charge : asked.charges) algorithms.push_back(charge.limit->algorithm);
    const auto receipts = limits::decode_receipts(bytes->substr(value), algorithms);
    if (!receipts) return;  // another decision of the turn has replaced it
    for (std::size_t i = 0; i < algorithms.size(); ++i) {
      Charge& charge = reserved.charges.emplace_back(asked.charges[i]);
      charge.trace = limits::trace_of(receipts->charges[i].after, receipts->charges[i].units,
                                      charge.limit->terms());
    }
  }

  // Some keys of a turn, for an operator to reset: seldom any.
  std::vector<std::string> next_reset(const std::vector<Asked>& turn) {
    return below(30) == 0 ? keys_of(turn.front()) : std::vector<std::string>();
  }

  [[nodiscard]] TimePoint now() const { return now_; }

 private:
  static constexpr std::array<limits::Rate, 6> kRates{{{8, {10, Unit::kSecond}},
                                                       {3, {2, Unit::kSecond}},
                                                       {7, {60, Unit::kSecond}},
                                                       {20, {1, Unit::kMinute}},
                                                       {0, {5, Unit::kSecond}},
                                                       {999'999'937, {366, Unit::kDay}}}};
  static constexpr std::size_t kLargest = 5;

  std::int64_t below(std::int64_t bound) {
    return static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(bound));
  }

  void advance() {
    constexpr std::array<std::int64_t, 5> kPaces{0, 3, 4'000, 3'000'000, 40'000'000};
    now_ += std::chrono::microseconds(below(1 + kPaces.at(static_cast<std::size_t>(below(5)))));
    if (below(300) == 0) now_ -= std::chrono::microseconds(below(90'000'000));  // a clock set back
  }

  Asked next_decision() {
    Asked asked({});
    for (std::size_t i = 0; i < limits_.size(); ++i) {
      if (below(limits_[i].quota() == 0 ? 40 : 3) != 0) continue;
      const std::int64_t share = i == kLargest ? limits_[i].quota() / 9 + 1 : 1;
      const std::int64_t cost = below(10) == 0 ? below(12) : below(3);
      asked.charges.push_back({"key" + std::to_string(i) + "-" + std::to_string(below(2)),
                               &limits_[i], std::min(cost * share, limits::kMaxQuota)});
    }
    for (const char* name : {"ended", "locked"}) {
      if (below(4) != 0) continue;
      const Duration length = below(40) == 0 ? Duration(1'000'000 + below(20'000'000)) : Duration();
      asked.bars.push_back({name + std::to_string(below(2)), length});
    }
    return asked;
  }

  // Like a reservation, or a settlement of what it finds: what is reserved is mostly given back.
  Asked next_marked() {
    const std::string key = "mark" + std::to_string(below(4));
    const Reserved& reserved = marks_[key];
    Asked asked = next_decision();
    if (!reserved.charges.empty() && below(6) != 0) {
      asked.charges = reserved.charges;
      for (Charge& charge : asked.charges) {
        charge.move = below(3) == 0 ? Move::kTopUp : Move::kRefund;
        charge.cost = below(2) == 0 ? charge.cost : below(charge.cost + 3);
        charge.cost = std::min(charge.cost, limits::kMaxQuota);
      }
    }
    asked.mark.emplace(limits::Mark{key, below(20) == 0 ? "else" : reserved.bytes,
                                    "m" + std::to_string(below(3)), limits::kMaxBarTime});
    return asked;
  }

  void change_a_limit() {
    Limit& limit =
        limits_.at(static_cast<std::size_t>(below(static_cast<std::int64_t>(kRates.size()))));
    const Limit before = limit;
    switch (below(8)) {
      case 0:
        limit.rate.window = {1 + below(90), Unit::kSecond};
        break;
      case 1:
        limit.rate.quota = below(20);
        break;
      case 2:
        limit.burst = below(3) == 0 ? 0 : 1 + below(40);
        break;
      case 3:
        limit.on_change = static_cast<limits::OnChange>(below(3));
        break;
      case 4:
        limit.mode = static_cast<limits::Mode>(below(2));
        break;
      case 5:
        limit.alignment = static_cast<Alignment>(below(3));
        if (limit.alignment == Alignment::kCalendar) limit.rate.window = {1, Unit::kDay};
        limit.time_zone = below(2) == 0 ? "UTC" : "America/New_York";
        break;
      case 6:
        limit.algorithm = static_cast<Algorithm>(1 + below(5));
        break;
      default:  // back to what it was at first
        limit.rate = kRates.at(static_cast<std::size_t>(&limit - limits_.data()));
        limit.algorithm = algorithm_;
        limit.alignment = Alignment::kFirstHit;
        limit.burst = 0;
    }
    if (limit.complaint()) limit = before;  // what no config could say
  }

  struct Reserved {
    std::string bytes;            // of the mark; empty: there is none
    std::vector<Charge> charges;  // with where their units are
  };

  std::map<std::string, Reserved> marks_;
  Algorithm algorithm_;
  std::mt19937_64 random_{kSeed + static_cast<unsigned>(algorithm_)};
  TimePoint now_ = kStart;
  std::vector<Limit> limits_;
};

}  // namespace sluice
