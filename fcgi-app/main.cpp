// The subcommands, one file each in commands/. Exit codes: 0 well, 1 a failure of the machine, 2 a
// mistake in the command line or the config.
#include <cstdio>
#include <exception>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "commands/check.h"
#include "commands/doctor.h"
#include "commands/key.h"
#include "commands/operate.h"
#include "commands/tenants.h"
#include "commands/worker.h"
#include "loop/uv/look_up_left.h"
#include "version.h"

namespace sluice {
namespace {

int run(int argc, char** argv) {
  CLI::App cli{"Sluice: a multi-tenant rate limiter and chat backend behind nginx"};
  cli.set_version_flag("--version", fmt::format("sluice {} (git {})", kVersion, kRevision));
  cli.require_subcommand(1);
  int code = commands::kOk;
  for (const auto add :
       {commands::add_worker, commands::add_check, commands::add_doctor, commands::add_peek,
        commands::add_reset, commands::add_key, commands::add_import, commands::add_export}) {
    add(cli, code);
  }
  try {
    cli.parse(argc, argv);  // and runs the subcommand
  } catch (const CLI::ParseError& error) {
    return cli.exit(error) == 0 ? commands::kOk : commands::kUsageError;
  }
  return code;
}

}  // namespace
}  // namespace sluice

int main(int argc, char** argv) {
  int code = sluice::commands::kMachineFailure;
  try {
    code = sluice::run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "sluice: {}\n", error.what());
  }
  if (sluice::loop::is_look_up_left()) {
    std::fflush(nullptr);
    ::_exit(code);
  }
  return code;
}
