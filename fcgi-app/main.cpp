// Flags, subcommands and exit codes: 0 well, 1 a failure of the machine, 2 a mistake in the
// command line or the config.
#include <cstdlib>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <sys/resource.h>

#include "app.h"
#include "config/load.h"
#include "fcgi/listener.h"
#include "operator.h"
#include "routes.h"
#include "version.h"

namespace sluice {
namespace {

constexpr int kOk = 0;
constexpr int kMachineFailure = 1;
constexpr int kUsageError = 2;

int complain(const Error& error) {
  fmt::print(stderr, "{}\n", error.detail);
  const bool is_usage =
      error.code == ErrorCode::kInvalidConfig || error.code == ErrorCode::kBadRequest;
  return is_usage ? kUsageError : kMachineFailure;
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
  if (const char* secrets = std::getenv("SLUICE_SECRETS"); secrets && *secrets) {
    options.secrets = secrets;
  }
  return config::load(path, options);
}

int check(const std::string& path) {
  const auto config = load_config(path);
  if (!config) return complain(config.error());
  // A file of secrets that is not there is no mistake: the first worker makes it.
  const auto secrets = config->sessions.read_secrets();
  if (!secrets && secrets.error().code != ErrorCode::kNotFound) return complain(secrets.error());
  fmt::print("{}: ok, {} tenants, storage {}, keys {}:*\n", path, config->plans->tenants().size(),
             config->storage_text(), config->limiter.key_prefix);
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
  auto secrets = config->sessions.load_secrets();
  if (!secrets) return complain(secrets.error());
  if (const auto ready = fcgi::initialize_libfcgi(); !ready) return complain(ready.error());
  auto listener = flags.listen.empty() ? fcgi::inherited_listener() : fcgi::listen_at(flags.listen);
  if (!listener) return complain(listener.error());
  App app(*config, flags.app, std::move(*secrets), std::move(*listener));
  app.run();
  return kOk;
}

struct OperatorFlags {
  std::string config;
  Whose whose;
};

int ask(const OperatorFlags& flags, Operation operation) {
  const auto config = load_config(flags.config);
  if (!config) return complain(config.error());
  const auto text = operate(*config, flags.whose, operation);
  if (!text) return complain(text.error());
  fmt::print("{}", *text);
  return kOk;
}

CLI::App* add_worker(CLI::App& cli, WorkerFlags& flags) {
  auto* worker = cli.add_subcommand("worker",
                                    "Serve FastCGI on fd 0 (spawn-fcgi), on the socket "
                                    "of systemd, or at --listen");
  worker->add_option("-c,--config", flags.config, "Config file")->required();
  worker->add_option("--listen", flags.listen, "Make and serve a unix socket at this path");
  worker->add_option("--pool", flags.app.pool, "Name of the pool, shown at GET / and in the log");
  worker->add_option("--generation", flags.app.generation,
                     "Number of the config's roll-out, shown at GET /");
  worker->add_flag("--echo", flags.app.echo, "Answer every request with its body (for bench/)");
  return worker;
}

CLI::App* add_operation(CLI::App& cli, const std::string& name, OperatorFlags& flags) {
  auto* command = cli.add_subcommand(
      name, name == "peek" ? "Show how the buckets of a client stand; costs nobody anything"
                           : "Give a client its full quota back");
  command->footer(
      "Whose: --session for a client of a tenant, --tenant for what a tenant's clients share,\n"
      "--ip for the defaults, which callers without a session are counted by. The store is the\n"
      "config's, or RATE_LIMIT_STORAGE_URI. A session is checked with the config's secrets, or\n"
      "those of SLUICE_SECRETS or SLUICE_SECRET_FILE. With shm://, run it as the workers' user: "
      "the\n"
      "file is theirs alone.");
  command->add_option("-c,--config", flags.config, "Config file")->required();
  command->add_option("--tenant", flags.whose.tenant, "Id of the tenant; --session implies it");
  command->add_option("--session", flags.whose.session, "Session, as POST /session gave it");
  command->add_option("--ip", flags.whose.address, "Address of the client");
  command->add_option("--api-key", flags.whose.api_key, "API key of the client");
  command->add_option("--route", flags.whose.route,
                      "Only the limits of this route (of false claims: identity_failure)");
  return command;
}

int run(int argc, char** argv) {
  CLI::App cli{"Sluice: a multi-tenant rate limiter and chat backend behind nginx"};
  cli.set_version_flag("--version", fmt::format("sluice {}", kVersion));
  cli.require_subcommand(1);
  WorkerFlags flags;
  add_worker(cli, flags);
  std::string checked;
  auto* checker = cli.add_subcommand("check", "Check a config file, and say all that is wrong");
  checker->add_option("FILE", checked, "Config file")->required();
  OperatorFlags asked;
  const auto* peeker = add_operation(cli, "peek", asked);
  const auto* resetter = add_operation(cli, "reset", asked);

  try {
    cli.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return cli.exit(error) == 0 ? kOk : kUsageError;
  }
  if (checker->parsed()) return check(checked);
  if (peeker->parsed()) return ask(asked, peek);
  if (resetter->parsed()) return ask(asked, reset);
  return work(flags);
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
