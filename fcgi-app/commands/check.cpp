#include "commands/check.h"

#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace sluice::commands {
namespace {

int check(const std::string& path) {
  const auto config = load_config(path);
  if (!config) return complain(config.error());
  // A file of secrets that is not there is no mistake: the first worker makes it.
  const auto secrets = config->deployment.secrets.read();
  if (!secrets && secrets.error().code != ErrorCode::kNotFound) return complain(secrets.error());
  if (!config->warnings.empty()) fmt::print(stderr, "{}\n", config->warnings);
  const auto& keys = config->policy.identity.api_keys;
  fmt::print("{}: ok, {} tenants, {}storage {}, keys {}:*\n", path,
             config->policy.plans->tenants().size(),
             keys ? fmt::format("{} API keys, ", keys->size()) : "",
             config->deployment.store.text(), config->deployment.key_prefix);
  return kOk;
}

}  // namespace

void add_check(CLI::App& cli, int& code) {
  const auto path = std::make_shared<std::string>();
  auto* command = cli.add_subcommand("check", "Check a config file, and say all that is wrong");
  command->add_option("FILE", *path, "Config file")->required();
  command->callback([path, &code] { code = check(*path); });
}

}  // namespace sluice::commands
