// Checks of what a client's address is taken from.
#pragma once

#include "doctor/site.h"

namespace sluice::doctor {

// Networks of everybody, as proxies that are believed.
[[nodiscard]] Directives find_trust_in_all(const Site& site);
// A real_ip_header without a proxy that is believed.
[[nodiscard]] Directives find_idle_realip(const Site& site);
// A proxy that nginx believes, while the workers believe some too.
[[nodiscard]] Directives find_two_walks(const Site& site);
// A REMOTE_ADDR that a client can write; a pass without any.
[[nodiscard]] Directives find_written_address(const Site& site);
[[nodiscard]] Directives find_no_address(const Site& site);

}  // namespace sluice::doctor
