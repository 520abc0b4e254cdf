// The first words on a new wire: who we are, which database, and the script.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/task.h"
#include "store/redis/uri.h"
#include "store/redis/wire.h"

namespace sluice::store::redis {

// Yields the SHA1 under which Redis knows `script` now. Error: kStoreUnavailable; the wire is
// closed, with a reason that tells no password.
// REQUIRES: the arguments outlive the task, but for the wire, which may go while it waits.
[[nodiscard]] Task<Result<std::string>> log_in(Wire& wire, const Uri& uri, std::string_view script);

// What an error reply says, for people: without the arguments, the password among them, which Redis
// repeats where it does not know a command.
[[nodiscard]] std::string without_arguments(std::string_view error);

}  // namespace sluice::store::redis
