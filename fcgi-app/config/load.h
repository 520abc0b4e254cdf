// Reads a config file. Only load.cpp and document/reader.cpp know libconfig++.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/deployment.h"
#include "config/tenants/tenant_lines.h"
#include "policy/options.h"

namespace sluice::config {

struct LoadOptions {
  // The value of RATE_LIMIT_STORAGE_URI. It replaces storage.uri, whatever the file says there.
  std::optional<std::string> storage_uri = std::nullopt;
  // The value of SLUICE_SECRET_FILE. It replaces sessions.secret_file, but is no name in the folder
  // of the config.
  std::optional<std::string> secret_file = std::nullopt;
  // The value of SLUICE_SECRETS (identity::parse_secret_list()). It replaces the file of secrets.
  std::optional<std::string> secrets = std::nullopt;
  // Whether to read the file of API keys. If not, there are no keys, and the file may be wrong: so
  // `sluice key` can repair it.
  bool read_api_keys = true;
  // Tenants that take the place of those in the file. They outlive the call.
  const TenantLines* tenants = nullptr;
  // Whether to keep the tenants as they are written (Loaded::tenants).
  bool keep_tenants = false;
  // The routes that limits and costs may name.
  std::vector<std::string_view> routes = {};
};

// What a config says.
struct Loaded {
  policy::Options policy = {};  // what requests are decided by: a reload takes it
  Deployment deployment = {};   // what a worker is built on: to change it takes a restart
  // The file of API keys, for `sluice key`, which edits it; the keys are in `policy`. Empty: the
  // config has no section `api_keys`.
  std::string api_key_file = {};
  std::string api_keys_at = {};  // where the section is: "sluice.cfg:12"
  // What may be intended, but is worth a look: one `file:line: warning: text` per line. `sluice
  // check` shows it; a worker does not.
  std::string warnings = {};
  // The tenants as the file writes them, where they are to be kept.
  std::vector<TenantText> tenants = {};
};

// Reads `path` and the files that it includes, which are looked up in its folder. Checks all of it,
// and tells all mistakes at once. The error is kInvalidConfig; its detail has one `file:line: what
// is wrong; what to do` per line, in the order of the files. A message about a whole file has no
// line; one about the environment has the name of the variable instead.
[[nodiscard]] Result<Loaded> load(const std::string& path, const LoadOptions& options);

// What is wrong with tenants, as far as it can be known without a config: neither their plans nor
// the routes of a gate are. Error: as load().
[[nodiscard]] Result<void> check_tenants(const TenantLines& tenants);

// All keys that a file may hold, as in "storage.uri" and "plans.limits.rate".
[[nodiscard]] std::vector<std::string> known_keys();

}  // namespace sluice::config
