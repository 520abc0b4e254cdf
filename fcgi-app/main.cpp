// Flags, subcommands and exit codes: 0 well, 1 a failure of the machine, 2 a mistake in the
// command line or the config.
#include <cstdlib>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <sys/resource.h>

#include "app.h"
#include "config/load.h"
#include "fcgi/listener.h"
#include "identity/secret.h"
#include "routes.h"
#include "version.h"

namespace sluice {
namespace {

constexpr int kOk = 0;
constexpr int kMachineFailure = 1;
constexpr int kUsageError = 2;

int complain(const Error& error) {
  fmt::print(stderr, "{}\n", error.detail);
  return error.code == ErrorCode::kInvalidConfig ? kUsageError : kMachineFailure;
}

Result<config::Config> load_config(const std::string& path) {
  config::LoadOptions options;
  options.routes = route_names();
  if (const char* uri = std::getenv("RATE_LIMIT_STORAGE_URI"); uri && *uri) {
    options.storage_uri = uri;
  }
  if (const char* secret = std::getenv("SLUICE_SECRET_FILE"); secret && *secret) {
    options.secret_file = secret;
  }
  return config::load(path, options);
}

int check(const std::string& path) {
  const auto config = load_config(path);
  if (!config) return complain(config.error());
  fmt::print("{}: ok, {} tenants, storage {}\n", path, config->plans->tenants().size(),
             config->storage_text());
  return kOk;
}

// Every connection takes a descriptor, and the usual soft limit of 1024 is for select(2).
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  static_cast<void>(::setrlimit(RLIMIT_NOFILE, &limit));
}

struct WorkerFlags {
  std::string config;
  std::string listen;
  App::Options app;
};

int work(const WorkerFlags& flags) {
  raise_descriptor_limit();
  const auto config = load_config(flags.config);
  if (!config) return complain(config.error());
  auto secrets = identity::load_secrets(config->sessions.secret_file);
  if (!secrets) return complain(secrets.error());
  if (const auto ready = fcgi::initialize_libfcgi(); !ready) return complain(ready.error());
  auto listener = flags.listen.empty() ? fcgi::inherited_listener() : fcgi::listen_at(flags.listen);
  if (!listener) return complain(listener.error());
  App app(*config, flags.app, std::move(*secrets), std::move(*listener));
  app.run();
  return kOk;
}

int run(int argc, char** argv) {
  CLI::App cli{"Sluice: a multi-tenant rate limiter and chat backend behind nginx"};
  cli.set_version_flag("--version", fmt::format("sluice {}", kVersion));
  cli.require_subcommand(1);

  WorkerFlags flags;
  auto* worker = cli.add_subcommand("worker",
                                    "Serve FastCGI on fd 0 (spawn-fcgi), on the socket "
                                    "of systemd, or at --listen");
  worker->add_option("-c,--config", flags.config, "Config file")->required();
  worker->add_option("--listen", flags.listen, "Make and serve a unix socket at this path");
  worker->add_option("--pool", flags.app.pool, "Name of the pool, shown at GET / and in the log");
  worker->add_option("--generation", flags.app.generation,
                     "Number of the config's roll-out, shown at GET /");
  worker->add_flag("--echo", flags.app.echo, "Answer every request with its body (for bench/)");

  std::string checked;
  auto* checker = cli.add_subcommand("check", "Check a config file, and say all that is wrong");
  checker->add_option("FILE", checked, "Config file")->required();

  try {
    cli.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return cli.exit(error) == 0 ? kOk : kUsageError;
  }
  return checker->parsed() ? check(checked) : work(flags);
}

}  // namespace
}  // namespace sluice

int main(int argc, char** argv) {
  try {
    return sluice::run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "sluice: {}\n", error.what());
    return sluice::kMachineFailure;
  }
}
