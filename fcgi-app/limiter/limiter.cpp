#include "limiter/limiter.h"

#include <algorithm>

#include "limiter/bucket_key.h"

namespace sluice::limiter {
namespace {

using limits::Charge;
using limits::Decision;
using limits::Limit;
using limits::LimitSet;

Decision without_store(const LimitSet& limits, ErrorCode why) {
  Decision decision{
      .store = limits::StoreState::kUnavailable, .at = {}, .limits = limits, .balances = {}};
  decision.allowed = std::all_of(limits.begin(), limits.end(), [&](const Limit* limit) {
    return limit->mode == limits::Mode::kShadow ||
           (why == ErrorCode::kStoreUnavailable &&
            limit->on_store_error == limits::OnStoreError::kAllow);
  });
  return decision;
}

}  // namespace

Task<Decision> Limiter::decide(const LimitSet& limits, const identity::Identity& identity,
                               std::string_view route, std::int64_t cost) {
  if (limits.empty()) co_return Decision{};
  std::vector<Charge> charges;
  charges.reserve(limits.size());
  for (const Limit* limit : limits) {
    charges.push_back({bucket_key(options_.key_prefix, *limit, identity, route), limit, cost});
  }
  auto decision = co_await store_.take(charges, std::nullopt);
  if (!decision) co_return without_store(limits, decision.error().code);
  co_return std::move(*decision);
}

Task<Result<std::int64_t>> Limiter::reset(const LimitSet& limits,
                                          const identity::Identity& identity,
                                          std::string_view route) {
  std::vector<std::string> keys;
  for (const Limit* limit : limits) {
    keys.push_back(bucket_key(options_.key_prefix, *limit, identity, route));
  }
  if (keys.empty()) co_return 0;
  const auto count = co_await store_.reset(keys);
  co_return count;
}

}  // namespace sluice::limiter
