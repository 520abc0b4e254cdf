// `sluice import` and `sluice export`: the tenants of a config as JSON lines
// (config/tenants/tenant_lines.h), and back.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "commands/command.h"

namespace sluice::commands {

// The tenants of the config, a line each, in the order in which it lists them. Error: as
// load_config().
[[nodiscard]] Result<std::string> export_tenants(const std::string& config);

// The tenants of JSON lines as the section `tenants` of a config, in a file of its own. `file` is
// what messages call it. They are checked as those of `config` would be, if it had them in place
// of its own; without a config ("") their plans and routes are not looked up. Error:
// kInvalidConfig, with all that is wrong.
[[nodiscard]] Result<std::string> import_tenants(std::string_view text, const std::string& file,
                                                 const std::string& config);

void add_import(CLI::App& cli, int& code);
void add_export(CLI::App& cli, int& code);

}  // namespace sluice::commands
