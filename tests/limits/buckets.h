// Buckets by key, as a store in memory keeps them, for tests of decisions.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "limits/outcome.h"

namespace sluice::limits {

inline constexpr TimePoint kStart{std::chrono::seconds(1'800'000'000)};

inline Limit limit(std::int64_t quota, std::int64_t seconds, Mode mode = Mode::kEnforce) {
  return {.name = "chat", .rate = {quota, {seconds, Unit::kSecond}}, .mode = mode};
}

class Buckets {
 public:
  Outcome decide(const std::vector<Charge>& charges, TimePoint now,
                 const std::vector<Bar>& bars = {}, const Mark* mark = nullptr) {
    const Lookup stored{[&](std::string_view key, const Limit& /*limit*/) {
                          const auto found = kept_.find(std::string(key));
                          return found == kept_.end() ? std::nullopt : std::optional(found->second);
                        },
                        [&](std::string_view key) {
                          const auto found = bars_.find(std::string(key));
                          return found == bars_.end() ? std::nullopt : std::optional(found->second);
                        },
                        [&](std::string_view key) { return mark_of(std::string(key)); }};
    Outcome outcome = limits::decide({charges, bars, mark}, stored, now);
    for (const Change& change : outcome.changes) kept_[std::string(change.key)] = change.bucket;
    for (const Raised& bar : outcome.bars) bars_[std::string(bar.key)] = bar.until;
    if (outcome.mark) marks_[std::string(outcome.mark->key)] = outcome.mark->bytes;
    return outcome;
  }
  std::optional<std::string> mark_of(const std::string& key) const {
    const auto found = marks_.find(key);
    return found == marks_.end() ? std::nullopt : std::optional(found->second);
  }
  std::int64_t used(const std::string& key) const {
    const auto found = kept_.find(key);
    return found == kept_.end() ? 0 : std::get<FixedWindow>(found->second.state).used;
  }

 private:
  std::map<std::string, Bucket> kept_;
  std::map<std::string, TimePoint> bars_;
  std::map<std::string, std::string> marks_;
};

}  // namespace sluice::limits
