#include "redis/outage_log.h"

namespace sluice::redis {
namespace {

// An outage may have reasons that take turns.
constexpr loop::Milliseconds kBetweenReasons = std::chrono::minutes(1);

}  // namespace

void OutageLog::fails(std::string_view why, loop::Milliseconds now) {
  reason_ = why;
  if (has_refused_) tell(now);
}

void OutageLog::refuses(loop::Milliseconds now) {
  has_refused_ = true;
  if (!reason_.empty()) tell(now);
}

void OutageLog::opens() {
  if (told_ != Told::kDown) serves();
}

void OutageLog::serves() {
  if (told_ != Told::kUp) log_.info("store is up", {{"storage", storage_}});
  told_ = Told::kUp;
  has_refused_ = false;
  reason_.clear();
  changed_at_.reset();
}

void OutageLog::tell(loop::Milliseconds now) {
  if (told_ != Told::kDown) {
    log_.error("store is down", {{"reason", reason_}});
  } else if (reason_ != told_reason_ && (!changed_at_ || now - *changed_at_ >= kBetweenReasons)) {
    log_.error("store is still down", {{"reason", reason_}});
    changed_at_ = now;
  } else {
    return;
  }
  told_ = Told::kDown;
  told_reason_ = reason_;
}

}  // namespace sluice::redis
