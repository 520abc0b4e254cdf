// `sluice key`: makes, lists and revokes API keys, in the file that a config names. Workers read it
// when they start, and at SIGHUP.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "commands/command.h"
#include "config/load.h"

namespace sluice::commands {

// A key to be made, as the flags say it.
struct NewKey {
  std::string tenant = {};
  std::string user = {};
  std::string id = {};  // empty: one is made up
};

// A key that was made. Its text stands nowhere else, and cannot be had again.
struct MadeKey {
  std::string id;
  std::string text;
};

// Errors of all: kBadRequest for what the flags say, kInvalidConfig for a config without a section
// `api_keys` and for a file that says what it may not, which then stays as it is; kSystem.
// Each takes a config that was loaded without its keys, so that a file can be mended.

// Adds a key to the file, or makes the file.
[[nodiscard]] Result<MadeKey> new_key(const config::Loaded& config, const NewKey& wanted,
                                      TimePoint now);

// A table: one line for each key, in the order of the file, below one of headings.
[[nodiscard]] Result<std::string> list_keys(const config::Loaded& config);

// Takes the key out of the file.
[[nodiscard]] Result<bool> revoke_key(const config::Loaded& config, std::string_view id);

void add_key(CLI::App& cli, int& code);

}  // namespace sluice::commands
