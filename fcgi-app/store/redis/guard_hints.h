// Guesses which guards (limits/charge.h) a decision can leave out of a call: each key that Redis is
// sent costs it a microsecond, and a bucket that is open needs none of its guards. The script has
// the last word: where it does need them, it says so and charges nothing, and is asked again.
//
// Of guards that are sent, the shared bucket is left out but for ten seconds after one was used.
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "limits/charge.h"

namespace sluice::store::redis {

class GuardHints {
 public:
  // Whether the bucket under `key` was seen open, until well after `now`: what is sent now arrives
  // later.
  [[nodiscard]] bool is_open(std::string_view key, TimePoint now) const;
  // Whether callers shared buckets not long before `now`.
  [[nodiscard]] bool is_crowded(TimePoint now) const { return now < crowded_until_; }

  // Takes notice of how a decision on `charges` came out.
  void learn(std::span<const limits::Charge> charges, const limits::Decision& decision);
  // A bucket was not open: it was reset, and maybe others too.
  void forget() { seen_ = {}; }
  // A guard was used up at `at`.
  void expect_crowd(TimePoint at);

 private:
  // What was seen last of all keys that fall into one place: without a hint the guards are sent.
  struct Seen {
    std::size_t hash = 0;
    TimePoint open_until{};
  };
  static constexpr std::size_t kPlaces = 4096;

  std::array<Seen, kPlaces> seen_{};
  TimePoint crowded_until_{};
};

}  // namespace sluice::store::redis
