// The reply of take.lua: whatever Redis says, decisions are sound, or an error.
#include <string>
#include <vector>

#include "fuzz/any_limit.h"
#include "fuzz/harness.h"
#include "store/redis/take_call.h"

namespace sluice::store::redis {
namespace {

using fuzz::require;
using limits::Charge;

void expect_decision(const Result<limits::Decision>& decision, const std::vector<Charge>& charges,
                     const TakeReply& reply) {
  if (!decision) {
    require(!decision.error().detail.empty() || reply.good(), "what cannot be read is an error");
    return;
  }
  require(reply.good(), "a decision is of bytes that were there");
  require(decision->balances.size() == charges.size(), "each charge has a balance");
  for (std::size_t i = 0; i < charges.size(); ++i) {
    const limits::Limit& limit = *charges[i].limit;
    require(decision->limits[i] == &limit, "balances are in the order asked");
    fuzz::expect_sound(decision->balances[i], limit);
    const bool denies = limit.mode == limits::Mode::kEnforce && decision->lacks_room(i);
    require(!decision->allowed || !denies, "what lacks room is denied");
  }
}

// What take.lua is sent: each key and limit once, and as many decisions as were added.
void check_argument(const std::vector<Charge>& charges, TimePoint now) {
  const GuardHints hints;
  TakeArgument argument(now, now);
  argument.add_decision(charges, hints);
  const std::string once = argument.text();
  require(argument.keys().size() <= charges.size(), "a key is sent once");
  argument.add_decision(charges, hints);
  const std::string twice = argument.text();
  const std::size_t decision = 2 + charges.size() * 9;
  require(twice.size() == once.size() + decision, "the second decision shares keys and limits");
  require(twice.substr(once.size()) == once.substr(once.size() - decision), "and reads the same");
}

}  // namespace
}  // namespace sluice::store::redis

// The number of charges, for each a limit and a cost; the rest is the reply.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  using namespace sluice::store::redis;
  fuzz::Input input(data, size);
  std::vector<limits::Limit> all;
  std::vector<limits::Charge> charges;
  all.reserve(limits::kMaxCharges);
  for (std::size_t left = input.byte() % (limits::kMaxCharges + 1); left > 0; --left) {
    const auto limit = fuzz::any_limit(input);
    const std::int64_t cost = input.between(0, limits::kMaxQuota);
    if (!limit) continue;
    all.push_back(*limit);
    charges.push_back(
        {.key = "key" + std::to_string(left / 2), .limit = &all.back(), .cost = cost});
  }
  const fuzz::Exact bytes(input.rest());
  TakeReply reply(bytes.view());
  const TimePoint at = reply.at();
  for (int decisions = 0; decisions < 4; ++decisions) {
    expect_decision(reply.decision(at, charges), charges, reply);
  }
  check_argument(charges, TimePoint(Duration(1'800'000'000'000'000)));
  return 0;
}
