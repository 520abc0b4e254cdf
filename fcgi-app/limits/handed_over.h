// A decision on its way from nginx, whose module has made it, to the worker behind nginx: a line of
// text. It says about whom it is, and how the tightest limit stands, as "WHO TENANT LIMIT
// REMAINING", or "WHO" where there is none. Nothing else of it is used there: nginx shows the
// fields.
#pragma once

#include <string>
#include <string_view>

#include "limits/charge.h"
#include "limits/plan.h"

namespace sluice::limits {

// `who`, as of identity::Identity::who(), is all that two decisions have to have in common for one
// to stand for the other.
[[nodiscard]] std::string hand_over(std::string who, const Decision& decision);

// The decision of Source::kNginx that `line` tells of; one of Source::kNobody, which is none, where
// it is about somebody else, or cannot be one about `limits`.
[[nodiscard]] Decision take_over(std::string_view line, std::string_view who,
                                 const LimitSet& limits);

}  // namespace sluice::limits
