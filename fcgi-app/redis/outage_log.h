// What the log says of the store: down once it has cost somebody a decision, and why; up again when
// it serves. Of what nobody noticed it says nothing.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "loop/loop.h"
#include "telemetry/log.h"

namespace sluice::redis {

class OutageLog {
 public:
  // `storage` is for people, without a password.
  OutageLog(telemetry::Log& log, std::string storage) : log_(log), storage_(std::move(storage)) {}

  // The store does not serve, and why. `now` is the loop's time.
  void fails(std::string_view why, loop::Milliseconds now);
  // A decision was refused for want of the store.
  void refuses(loop::Milliseconds now);
  // A connection is ready. An outage that was told ends only with serves().
  void opens();
  // A decision was charged.
  void serves();

  // Why the store does not serve, as far as is known; empty while it does.
  [[nodiscard]] const std::string& reason() const { return reason_; }

 private:
  enum class Told { kNothing, kUp, kDown };

  void tell(loop::Milliseconds now);

  telemetry::Log& log_;
  std::string storage_;
  Told told_ = Told::kNothing;
  bool has_refused_ = true;  // a worker that starts without its store says so at once
  std::string reason_;
  std::string told_reason_;
  std::optional<loop::Milliseconds> changed_at_;  // when another reason was told in this outage
};

}  // namespace sluice::redis
