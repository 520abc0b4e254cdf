#include "limiter/failure_policy.h"

#include <algorithm>

namespace sluice::limiter {
namespace {

bool lets_pass(const limits::Limit& limit, ErrorCode why) {
  if (limit.mode == limits::Mode::kShadow) return true;
  if (why != ErrorCode::kStoreUnavailable) return false;
  switch (limit.on_store_error) {
    case limits::OnStoreError::kAllow:
      return true;
    case limits::OnStoreError::kDeny:
      break;
  }
  return false;
}

}  // namespace

limits::Decision decide_without_store(const limits::LimitSet& limits, ErrorCode why) {
  limits::Decision decision;
  decision.source = limits::Source::kOnStoreError;
  decision.limits = limits;
  decision.allowed = std::all_of(limits.begin(), limits.end(), [&](const limits::Limit* limit) {
    return lets_pass(*limit, why);
  });
  return decision;
}

}  // namespace sluice::limiter
