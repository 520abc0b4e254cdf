#include "policy/current.h"

#include <utility>

namespace sluice::policy {

std::shared_ptr<const Policy> Current::lend(std::shared_ptr<const Policy> policy) {
  const Policy& owned = *policies_.emplace_back(std::move(policy));
  return {&owned, [this](const Policy* unused) {
            unused->limiter().drain([this, unused] { drop(*unused); });
          }};
}

void Current::replace(std::shared_ptr<const Policy> policy) {
  policy_ = lend(std::move(policy));
}

void Current::drop(const Policy& policy) {
  std::erase_if(policies_, [&](const auto& owned) { return owned.get() == &policy; });
  settle();
}

void Current::drain(std::function<void()> on_drained) {
  on_drained_ = std::move(on_drained);
  settle();
}

// Those before are gone when they have nothing left to do.
void Current::settle() {
  if (!on_drained_ || kept() > 0) return;
  policy_->limiter().drain([this] {
    if (on_drained_ && kept() == 0) std::exchange(on_drained_, nullptr)();
  });
}

}  // namespace sluice::policy
