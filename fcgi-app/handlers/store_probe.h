// Whether the store works, asked once for all who want to know.
#pragma once

#include <memory>

#include "base/clock.h"
#include "base/task_group.h"
#include "limits/charge.h"
#include "store/store.h"

namespace sluice::handlers {

class StoreProbe {
 public:
  // How long an answer serves those who come later. Anybody may ask, as often as he likes.
  static constexpr Duration kFresh = std::chrono::milliseconds(100);

  // A probe takes `charge`, so that it sees the store write. The store and the charge's limit
  // outlive it.
  StoreProbe(store::BucketStore& store, limits::Charge charge);

  // Whether the store has answered: within kFresh before `now`, or the probe that is under way, or
  // else a new one. Whoever asks may be destroyed meanwhile. REQUIRES: the object outlives the
  // task.
  [[nodiscard]] Task<bool> is_up(TimePoint now);

 private:
  class Wait;
  struct Round;

  [[nodiscard]] Task<void> ask(std::shared_ptr<Round> round);

  store::BucketStore& store_;
  limits::Charge charge_;
  TimePoint asked_at_{};
  std::shared_ptr<Round> round_;  // the last one; who waits for an earlier one keeps that
  TaskGroup tasks_{[](std::string_view /*name*/, std::string_view /*what*/) {
    // ask() lets nothing escape: what a store throws is its answer.
  }};
};

}  // namespace sluice::handlers
