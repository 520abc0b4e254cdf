// What a program has to know before it exits.
#pragma once

namespace sluice::loop {

// Whether a look-up was on its way when its loop went. A thread of libuv's still waits for it, and
// exit() for that thread, for as many seconds as the resolver takes: _exit() does not.
[[nodiscard]] bool is_look_up_left();

}  // namespace sluice::loop
