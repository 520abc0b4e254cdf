// The first words on a new wire: who we are, which database, the script, and what time it is.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/task.h"
#include "store/redis/uri.h"
#include "store/redis/wire.h"

namespace sluice::store::redis {

// Each yields whether the wire is good for what follows. If not it is closed, with a reason that
// tells no password.
// REQUIRES: the arguments outlive the task, but for the wire, which may go while it waits.
[[nodiscard]] Task<bool> log_in(Wire& wire, const Uri& uri);
// Then `sha` is the SHA1 under which Redis knows `script`.
[[nodiscard]] Task<bool> load_script(Wire& wire, std::string_view script, std::string& sha);

// The time of a reply to TIME; nothing of any other.
[[nodiscard]] std::optional<TimePoint> time_of(const redisReply& reply);

// Says which error it is: "NOSCRIPT", "ERR".
[[nodiscard]] std::string_view first_word(std::string_view error);

// What an error reply says, for people: without the arguments, the password among them, which Redis
// repeats where it does not know a command.
[[nodiscard]] std::string without_arguments(std::string_view error);

}  // namespace sluice::store::redis
