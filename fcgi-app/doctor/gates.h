// Checks of gated locations: one charge for a request, an answer for who is denied.
#pragma once

#include "doctor/site.h"

namespace sluice::doctor {

// Without the memory of the routes that were asked for; without the status of a denial; without the
// path that was asked for, which nginx does not inherit.
[[nodiscard]] Directives find_charged_again(const Site& site);
[[nodiscard]] Directives find_no_status(const Site& site);
[[nodiscard]] Directives find_no_path(const Site& site);
// Without an answer to who is denied; with another than Sluice's.
[[nodiscard]] Directives find_unmapped(const Site& site);
[[nodiscard]] Directives find_other_mapping(const Site& site);
// Without the fields RateLimit and others.
[[nodiscard]] Directives find_no_fields(const Site& site);
// Without the fields of CORS that their server has.
[[nodiscard]] Directives find_no_cors(const Site& site);
// Whose application is not told X-Decision-ID, so that it may take a client's for it.
[[nodiscard]] Directives find_claimed_decisions(const Site& site);

// Which nginx answers, or stops rewriting, before the gate is asked or told the path.
[[nodiscard]] Directives find_answered_first(const Site& site);
[[nodiscard]] Directives find_broken_off(const Site& site);
// Fields and error pages of http that the gate's own in a server replace.
[[nodiscard]] Directives find_replaced_fields(const Site& site);
[[nodiscard]] Directives find_replaced_pages(const Site& site);

// A config in which nothing asks Sluice: its root.
[[nodiscard]] Directives find_nothing(const Site& site);

}  // namespace sluice::doctor
