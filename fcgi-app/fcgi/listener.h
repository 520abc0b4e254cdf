// Where a worker's listening socket comes from.
#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace sluice::fcgi {

// The socket that systemd passes (fd 3, when LISTEN_PID and LISTEN_FDS say so), else fd 0, as
// spawn-fcgi leaves it. Non-blocking. Errors: kSystem when there is no listening socket;
// kInvalidConfig for a unix socket that everybody on the host may write to, by its mode or because
// it is abstract, for who writes to it says who a client is.
[[nodiscard]] Result<UniqueFd> inherited_listener();

// A new unix socket at `path`, mode 0660 from its first moment on, whatever the umask; a stale one
// there is replaced. Error: kSystem. REQUIRES: no other thread makes files meanwhile.
[[nodiscard]] Result<UniqueFd> listen_at(const std::string& path);

// Whether the socket's peers come over the network: no file mode says who they may be.
[[nodiscard]] bool is_network_socket(const UniqueFd& socket);

}  // namespace sluice::fcgi
