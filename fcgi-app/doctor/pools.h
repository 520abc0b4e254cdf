// Checks of how nginx talks to workers: connections, what it keeps of their answers, sockets.
#pragma once

#include "doctor/site.h"

namespace sluice::doctor {

// A pass that names no upstream; an upstream without `keepalive`, or with it in the wrong place; a
// pass that closes its connections.
[[nodiscard]] Directives find_direct_passes(const Site& site);
[[nodiscard]] Directives find_unkept_upstreams(const Site& site);
[[nodiscard]] Directives find_late_balancing(const Site& site);
[[nodiscard]] Directives find_unkept_passes(const Site& site);
[[nodiscard]] Directives find_unkept_questions(const Site& site);
// A server that nginx takes off its list after a failure.
[[nodiscard]] Directives find_max_fails(const Site& site);

// nginx's own answers in the place of others.
[[nodiscard]] Directives find_intercepted(const Site& site);
[[nodiscard]] Directives find_proxy_intercepted(const Site& site);
// Bodies that workers wait for.
[[nodiscard]] Directives find_unbuffered(const Site& site);
// Two names of one header.
[[nodiscard]] Directives find_underscores(const Site& site);

// Sockets that everybody can write to; that are not here, or cannot be looked at; on a network.
[[nodiscard]] Directives find_open_sockets(const Site& site);
[[nodiscard]] Directives find_absent_sockets(const Site& site);
[[nodiscard]] Directives find_remote_sockets(const Site& site);

}  // namespace sluice::doctor
