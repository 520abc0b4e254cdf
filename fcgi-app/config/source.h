// The raw text of config files, before libconfig sees it.
//
// libconfig 1.5 wraps integers that do not fit, takes an unclosed comment for the end of the file,
// cuts a string at \x00 and ends the process when it is told to include a folder; all in silence.
#pragma once

#include <filesystem>
#include <string>

#include "config/report.h"

namespace sluice::config {

// The largest config file.
inline constexpr std::size_t kMaxFileBytes = 1'048'576;

// Checks the text of `path` and of all that it includes (relative to `folder`, as libconfig does).
// False if libconfig must not read them; complaints of integers alone leave it true.
[[nodiscard]] bool check_sources(const std::string& path, const std::filesystem::path& folder,
                                 Report& report);

}  // namespace sluice::config
