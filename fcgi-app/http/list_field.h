// Header fields that are lists (RFC 9110 section 5.6.1).
#pragma once

#include <string_view>

namespace sluice::http {

// Takes the last element off `list`, a comma-separated text, and yields it without the spaces and
// tabs around it. Empty elements do not count; an empty result means that there is none left.
[[nodiscard]] std::string_view take_last(std::string_view& list);

}  // namespace sluice::http
