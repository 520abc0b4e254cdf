// The penalty ladder: who is denied again and again is locked out, each time for longer.
//
// Denials are counted per session, or per address of who has not shown one, and forgotten one by
// one. `after` of them cost nothing; each one above locks out, for `first` and then twice as long
// each time, up to `most`. Only those count that the caller's own use has brought about: not what
// others of its tenant used up, nor a bucket that newcomers share. What is denied because of a
// lock-out is not counted either, so nobody locks himself out for ever by asking again.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "identity/identity.h"
#include "limiter/bucket_key.h"
#include "limits/charge.h"

namespace sluice::limiter {

class Penalty {
 public:
  struct Options {
    std::int64_t after = 0;  // 0 to 1000; 0: nobody is ever locked out
    std::chrono::seconds first = std::chrono::minutes(1);    // 1 s to a day
    std::chrono::seconds most = std::chrono::hours(1);       // `first` to 30 days
    std::chrono::seconds forget = std::chrono::minutes(10);  // one denial; 1 s to a day
  };

  // `keys` outlives the object.
  Penalty(const KeySpace& keys, Options options);

  [[nodiscard]] bool is_on() const { return options_.after > 0; }
  // Stands while a lock-out lasts; begins one where `length` is above 0.
  [[nodiscard]] limits::Bar lock_out(const identity::Identity& identity,
                                     std::chrono::seconds length = {}) const;
  // Whether a denial is the caller's own doing.
  [[nodiscard]] static bool is_own(const limits::Decision& decision,
                                   const identity::Identity& identity, std::string_view route);
  // Counts one denial.
  [[nodiscard]] limits::Charge denial(const identity::Identity& identity) const;
  // How long a lock-out is due after a denial that left so many units of that limit.
  [[nodiscard]] std::chrono::seconds due(std::int64_t remaining) const;

 private:
  [[nodiscard]] std::string key(std::string_view name, const identity::Identity& identity) const;

  const KeySpace& keys_;
  Options options_;
  limits::Limit denials_;
};

}  // namespace sluice::limiter
