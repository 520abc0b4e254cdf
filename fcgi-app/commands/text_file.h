// Texts that a command reads whole, and writes whole or not at all.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sluice::commands {

// The text of a file, or of standard input for "-". Error: kInvalidConfig, for one that cannot be
// read, or has more than `most` bytes.
[[nodiscard]] Result<std::string> read_whole(const std::string& path, std::size_t most);

// Puts the text into a file that others then find whole, even if the machine stops. An old one is
// replaced if `force`, and keeps its owner and mode. Errors: kBadRequest for a file that is there,
// or is no file; kSystem.
[[nodiscard]] Result<void> write_whole(const std::string& path, std::string_view text, bool force);

}  // namespace sluice::commands
