#include "policy/current.h"

#include <algorithm>
#include <utility>

namespace sluice::policy {

void Current::replace(std::shared_ptr<const Policy> policy) {
  std::erase_if(before_, [](const std::shared_ptr<const Policy>& old) {
    return old.use_count() == 1 && old->limiter().is_idle();
  });
  before_.push_back(std::exchange(policy_, std::move(policy)));
}

void Current::drain(std::function<void()> on_drained) {
  const auto busy = std::find_if(
      before_.begin(), before_.end(),
      [](const std::shared_ptr<const Policy>& old) { return !old->limiter().is_idle(); });
  if (busy == before_.end()) return policy_->limiter().drain(std::move(on_drained));
  (*busy)->limiter().drain(
      [this, on_drained = std::move(on_drained)]() mutable { drain(std::move(on_drained)); });
}

}  // namespace sluice::policy
