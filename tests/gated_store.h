// A store that answers once the test lets it.
#pragma once

#include <functional>
#include <utility>

#include "gate.h"
#include "store/store.h"

namespace sluice {

class GatedStore final : public store::ForwardingStore {
 public:
  using IsHeld = std::function<bool(const limits::Ask& ask)>;

  // Holds the takes that `is_held` is true of; all others, and resets, pass.
  explicit GatedStore(
      store::BucketStore& target, IsHeld is_held = [](const limits::Ask&) { return true; })
      : ForwardingStore(target), is_held_(std::move(is_held)) {}

  [[nodiscard]] Task<Result<limits::Decision>> take(limits::Ask ask,
                                                    std::optional<TimePoint> now) override {
    if (is_held_(ask)) co_await gate.pass();
    co_return co_await ForwardingStore::take(ask, now);
  }

  Gate gate;

 private:
  IsHeld is_held_;
};

}  // namespace sluice
