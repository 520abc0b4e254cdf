// Where a worker's listening socket comes from.
#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace sluice::fcgi {

// The socket that systemd passes (fd 3, when LISTEN_PID and LISTEN_FDS say so), else fd 0, as
// spawn-fcgi leaves it. Non-blocking. Error: kSystem when there is no listening socket.
[[nodiscard]] Result<UniqueFd> inherited_listener();

// A new unix socket at `path`, mode 0660; a stale one there is replaced. Error: kSystem.
[[nodiscard]] Result<UniqueFd> listen_at(const std::string& path);

}  // namespace sluice::fcgi
