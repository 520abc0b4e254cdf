// Where the secrets that sign sessions come from.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "identity/credentials/session_token.h"

namespace sluice::identity {

// Reads secrets, newest first: one a line, 64 hex digits each; blank lines and # comments are
// skipped. Error: kInvalidConfig, naming the line.
[[nodiscard]] Result<std::vector<Secret>> parse_secrets(std::string_view text);

// Reads secrets of one line, as the environment has them: 64 hex digits each, newest first, with
// commas or white space between. Error: kInvalidConfig, naming the secret by its number. Never is a
// part of a secret in an error.
[[nodiscard]] Result<std::vector<Secret>> parse_secret_list(std::string_view text);

// Reads the secrets of `path`. A file that others may read is refused. Errors: kNotFound if there
// is none, kInvalidConfig, kSystem.
[[nodiscard]] Result<std::vector<Secret>> read_secrets(const std::string& path);

// As read_secrets(), for who signs: a file that does not exist is made (mode 0600) with one random
// secret; of several processes that do so at once, one wins and all read the same.
[[nodiscard]] Result<std::vector<Secret>> load_secrets(const std::string& path);

}  // namespace sluice::identity
