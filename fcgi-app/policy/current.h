// The policy of requests that come now, and those before it that still have work to do.
#pragma once

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "policy/policy.h"

namespace sluice::policy {

class Current {
 public:
  explicit Current(std::shared_ptr<const Policy> policy) : policy_(std::move(policy)) {}

  [[nodiscard]] const std::shared_ptr<const Policy>& get() const { return policy_; }

  // Requests go on with the policy that they have. It is kept while one of them has it, and while
  // its limiter counts denials, for which no request waits; but it goes at a later replace() only.
  void replace(std::shared_ptr<const Policy> policy);

  // Calls back once, when no denial is being counted by any of them; at once if none is. REQUIRES:
  // no request has one any more; this is not destroyed meanwhile.
  void drain(std::function<void()> on_drained);

  // How many are kept besides get().
  [[nodiscard]] std::size_t kept() const { return before_.size(); }

 private:
  std::shared_ptr<const Policy> policy_;
  std::vector<std::shared_ptr<const Policy>> before_;
};

}  // namespace sluice::policy
