// The denial log: lines "denied" of a worker's log. A line for each limit that had no room, also
// for one in shadow mode, which would have denied; one for a lock-out; and one where on_store_error
// denied. All lines of a decision have its id.
//
//   decision     the id that the answer has in X-Decision-ID
//   reason       limit, locked_out or on_store_error
//   source       who has decided: redis, shared_memory, memory, on_store_error
//   route, cost  what was asked for; the cost in the unit of the limit
//   tenant, user, api_key, address
//                who has asked, as far as it is proved; of the key its id; what nginx says of a
//                user as its fingerprint
//   session      the fingerprint of its id
//   limit, list, rate, scope, mode
//                which limit, and where it stands: defaults, tenants, or plan:NAME
//   remaining, reset_after_s, retry_after_s
//                its balance; retry_after_s is empty where no wait would help
//   left_out     how many lines were not written since the last one
//
// What does not apply is empty. There are at most so many lines a second as the options say, so
// that a flood of denials costs no more than counting it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "identity/identity.h"
#include "limits/charge.h"
#include "limits/cost.h"
#include "telemetry/log.h"

namespace sluice::telemetry {

// The list that a limit stands in. Those of single tenants are one, for there may be many.
[[nodiscard]] std::string list_of(const limits::Limit& limit);

// A decision about a request.
struct Decided {
  const limits::Decision& decision;
  const identity::Identity& identity;
  std::string_view route;
  const limits::Cost& cost;
};

class DenialLog {
 public:
  using Time = std::chrono::steady_clock::time_point;

  struct Options {
    std::int64_t per_second = 10;  // lines at most; 0: none
    std::int64_t one_in = 1;       // so many decisions that deny, one, by chance, is told of
  };

  // `log` may be nullptr; it outlives the object.
  explicit DenialLog(Log* log) : log_(log) {}

  void tell(const Decided& seen, const Options& options, Time now);

 private:
  [[nodiscard]] bool has_room(const Options& options, Time now);
  void write(const Decided& seen, std::string_view reason, std::optional<std::size_t> limit);

  Log* log_;
  Time second_began_{};
  std::int64_t written_ = 0;  // since then
  std::uint64_t left_out_ = 0;
};

}  // namespace sluice::telemetry
