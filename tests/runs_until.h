// Turns a loop until something holds.
#pragma once

#include <chrono>

#include "loop/loop.h"

namespace sluice {

// Whether `holds()` within ten seconds of the loop.
template <class Condition>
bool runs_until(loop::Loop& loop, Condition holds) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  loop::Timer tick(loop, [&loop] { loop.stop(); });
  tick.start(loop::Milliseconds(2), loop::Milliseconds(2));
  while (!holds() && std::chrono::steady_clock::now() < deadline) loop.run();
  return holds();
}

}  // namespace sluice
