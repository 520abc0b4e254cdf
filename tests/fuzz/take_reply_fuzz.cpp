// The reply of take.lua: whatever Redis says, decisions are sound, or an error.
#include <string>
#include <vector>

#include "fuzz/any_limit.h"
#include "fuzz/harness.h"
#include "store/redis/take_call.h"

namespace sluice::store {
namespace {

using fuzz::require;
using limits::Charge;

void expect_decision(const Result<limits::Decision>& decision, const std::vector<Charge>& charges) {
  if (!decision) {
    require(!decision.error().detail.empty(), "what cannot be read is an error");
    return;
  }
  require(decision->balances.size() == charges.size(), "each charge has a balance");
  for (std::size_t i = 0; i < charges.size(); ++i) {
    const limits::Limit& limit = *charges[i].limit;
    require(decision->limits[i] == &limit, "balances are in the order asked");
    fuzz::expect_sound(decision->balances[i], limit);
    const bool denies = limit.mode == limits::Mode::kEnforce && decision->lacks_room(i);
    require(!decision->allowed || !denies, "what lacks room is denied");
  }
  require(!decision->allowed || !decision->is_barred(), "what is barred is denied");
}

// What take.lua is sent: each key and limit once, and as many decisions as were added.
void check_argument(const limits::Ask& ask, TimePoint now) {
  TakeArgument argument(now, now);
  argument.add(ask);
  const std::string once = argument.text();
  require(argument.key_count() <= ask.charges.size() + ask.bars.size(), "a key is sent once");
  argument.add(ask);
  const std::string twice = argument.text();
  const std::size_t decision = 3 + ask.charges.size() * 8 + ask.bars.size() * 8;
  require(twice.size() == once.size() + decision, "the second decision shares keys and limits");
  require(twice.substr(once.size()) == once.substr(once.size() - decision), "and reads the same");
}

}  // namespace
}  // namespace sluice::store

// The number of charges, for each a limit and a cost; the rest is the reply.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  using namespace sluice::store;
  fuzz::Input input(data, size);
  std::vector<limits::Limit> all;
  std::vector<limits::Charge> charges;
  all.reserve(limits::kMaxLimits);
  for (std::size_t left = input.byte() % (limits::kMaxLimits + 1); left > 0; --left) {
    const auto limit = fuzz::any_limit(input);
    const std::int64_t cost = input.between(0, limits::kMaxQuota);
    if (!limit) continue;
    all.push_back(*limit);
    charges.push_back(
        {.key = "key" + std::to_string(left / 2), .limit = &all.back(), .cost = cost});
  }
  std::vector<limits::Bar> bars;
  for (std::size_t left = input.byte() % (limits::kMaxBars + 1); left > 0; --left) {
    bars.push_back({"bar" + std::to_string(left), Duration(input.between(0, 1'000'000'000))});
  }
  const limits::Ask ask{charges, bars};
  const limits::Mark mark{"mark", "", "", Duration(1)};
  const limits::Ask marked{charges, bars, &mark};
  const fuzz::Exact bytes(input.rest());
  TakeReply reply(bytes.view());
  const TimePoint at = reply.at();
  for (int decisions = 0; decisions < 4; ++decisions) {
    expect_decision(reply.decision(at, decisions % 2 == 0 ? ask : marked), charges);
  }
  check_argument(ask, TimePoint(Duration(1'800'000'000'000'000)));
  return 0;
}
