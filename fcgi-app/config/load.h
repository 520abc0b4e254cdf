// Reads a config file. Only load.cpp and document/reader.cpp know libconfig++.
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
  // The value of RATE_LIMIT_STORAGE_URI. It replaces storage.uri, whatever the file says there.
  std::optional<std::string> storage_uri;
  // The value of SLUICE_SECRET_FILE. It replaces sessions.secret_file, but is no name in the folder
  // of the config.
  std::optional<std::string> secret_file;
  // The value of SLUICE_SECRETS (identity::parse_secret_list()). It replaces the file of secrets.
  std::optional<std::string> secrets;
  // Whether to read the file of API keys. If not, there are no keys, and the file may be wrong: so
  // `sluice key` can repair it.
  bool read_api_keys = true;
  // The routes that limits and costs may name.
  std::vector<std::string_view> routes;
};

// What a config says.
struct Loaded {
  policy::Rules rules = {};    // what requests are decided by: a reload takes it
  Deployment deployment = {};  // what a worker is built on: to change it takes a restart
  // The file of API keys, for `sluice key`, which edits it; the keys are in `rules`. Empty: the
  // config has no section `api_keys`.
  std::string api_key_file = {};
  // What may be intended, but is worth a look: one `file:line: warning: text` per line. `sluice
  // check` shows it; a worker does not.
  std::string warnings = {};
};

// Reads `path` and the files that it includes, which are looked up in its folder. Checks all of it,
// and tells all mistakes at once. The error is kInvalidConfig; its detail has one `file:line: what
// is wrong; what to do` per line, in the order of the files. A message about a whole file has no
// line; one about the environment has the name of the variable instead.
[[nodiscard]] Result<Loaded> load(const std::string& path, const LoadOptions& options);

// All keys that a file may hold, as in "storage.uri" and "plans.limits.rate".
[[nodiscard]] std::vector<std::string> known_keys();

}  // namespace sluice::config
