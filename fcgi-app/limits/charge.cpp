#include "limits/charge.h"

namespace sluice::limits {

std::size_t Decision::tightest() const {
  std::size_t best = 0;
  for (std::size_t i = 1; i < balances.size(); ++i) {
    const Balance& a = balances[i];
    const Balance& b = balances[best];
    if (a.retry_after != b.retry_after ? a.retry_after > b.retry_after
                                       : a.remaining < b.remaining) {
      best = i;
    }
  }
  return best;
}

}  // namespace sluice::limits
