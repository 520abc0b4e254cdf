// The policy of requests that come now, and those before it that still have work to do.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "policy/policy.h"

namespace sluice::policy {

// It outlives all who have a policy of it.
class Current {
 public:
  explicit Current(std::shared_ptr<const Policy> policy) : policy_(lend(std::move(policy))) {}
  Current(const Current&) = delete;
  Current& operator=(const Current&) = delete;
  ~Current() { on_drained_ = nullptr; }

  [[nodiscard]] const std::shared_ptr<const Policy>& get() const { return policy_; }

  // Requests go on with the policy that they have. It goes when none of them has it any more, and
  // its limiter counts no denial, for which no request waits. REQUIRES: `policy` is nobody else's.
  void replace(std::shared_ptr<const Policy> policy);

  // Calls back once, when no denial is being counted by any of them; at once if none is. REQUIRES:
  // no request has one any more; this is not destroyed meanwhile.
  void drain(std::function<void()> on_drained);

  // How many are kept besides get().
  [[nodiscard]] std::size_t kept() const { return policies_.size() - 1; }

 private:
  // What requests get of a policy. When the last of them lets go of it, it may go.
  [[nodiscard]] std::shared_ptr<const Policy> lend(std::shared_ptr<const Policy> policy);
  void drop(const Policy& policy);
  void settle();

  std::vector<std::shared_ptr<const Policy>> policies_;
  std::function<void()> on_drained_;
  std::shared_ptr<const Policy> policy_;  // lent; it goes before what it needs then
};

}  // namespace sluice::policy
