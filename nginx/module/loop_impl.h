// What the handles of nginx's loop share.
#pragma once

#include <memory>
#include <vector>

#include "loop/loop.h"
#include "nginx/module/ngx_event.h"

namespace sluice::loop {

struct Loop::Impl {
  Impl();
  ~Impl();
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  // The core runs in this turn: what is to be done at its end will be done. Each callback says so,
  // and so does a host that enters the core by itself.
  void entered();
  // Frees it at the end of the turn, when no callback of it runs.
  void end(std::shared_ptr<void> handle);

  std::vector<BeforeWait::Impl*> flushes;  // null: destroyed in this turn

 private:
  void end_turn();

  ngx_event_t turn_{};                        // posted: entered() was called in this turn
  std::vector<std::shared_ptr<void>> ended_;  // destroyed in this turn
};

}  // namespace sluice::loop
