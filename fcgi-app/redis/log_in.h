// The first words on a new wire: who we are, which database, the script, and what time it is.
#pragma once

#include <optional>

#include "base/clock.h"
#include "base/task.h"
#include "redis/script.h"
#include "redis/uri.h"
#include "redis/wire.h"

namespace sluice::redis {

// Each yields whether the wire is good for what follows. If not it is closed, with a reason that
// tells no password.
// REQUIRES: the arguments outlive the task, but for the wire, which may go while it waits.
[[nodiscard]] Task<bool> log_in(Wire& wire, const Uri& uri);
[[nodiscard]] Task<bool> load_script(Wire& wire, const Script& script);

// The time of a reply to TIME; nothing of any other.
[[nodiscard]] std::optional<TimePoint> time_in(const Reply& reply);

}  // namespace sluice::redis
