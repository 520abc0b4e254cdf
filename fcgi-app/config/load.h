// Reads a config file. libconfig++ has its home in load.cpp and reader.cpp.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/deployment.h"
#include "policy/rules.h"

namespace sluice::config {

struct LoadOptions {
  // Replaces storage.uri, whatever the file says: the value of RATE_LIMIT_STORAGE_URI.
  std::optional<std::string> storage_uri;
  // Replaces sessions.secret_file: the value of SLUICE_SECRET_FILE, relative to nothing.
  std::optional<std::string> secret_file;
  // Replaces that file: the value of SLUICE_SECRETS (identity::parse_secret_list()).
  std::optional<std::string> secrets;
  // Whether to read the file of API keys. If not, it may say anything, and there are no keys: who
  // mends that file needs a config all the same.
  bool read_api_keys = true;
  // The routes that a limit may name.
  std::vector<std::string_view> routes;
};

// What a config says.
struct Loaded {
  policy::Rules rules = {};    // what requests are decided by: a worker that runs takes it anew
  Deployment deployment = {};  // what takes a restart
  // The file of API keys, for who edits it: its keys are of the rules. Empty: none are looked at.
  std::string api_key_file = {};
  // What may be meant so, and is worth a look: `file:line: warning: text`, a line each. `sluice
  // check` shows them; a worker starts without a word of them.
  std::string warnings = {};
};

// Reads `path` and the files that it includes (relative to its own folder). Everything is checked,
// and everything that is wrong is reported at once: the error is kInvalidConfig, its detail one
// `file:line: what is wrong, what to do` per line, in the order of the files. Without a line it is
// about the whole file, with the name of a variable instead about the environment.
[[nodiscard]] Result<Loaded> load(const std::string& path, const LoadOptions& options);

// Every key that a file may hold, as in "storage.uri" and "plans.limits.rate".
[[nodiscard]] std::vector<std::string> known_keys();

}  // namespace sluice::config
