// Flags, subcommands and exit codes: 0 well, 1 a failure of the machine, 2 a mistake in the
// command line or the config.
#include <cstdio>
#include <cstdlib>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include "app.h"
#include "config/load.h"
#include "fcgi/listener.h"
#include "key_command.h"
#include "loop/loop.h"
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

Result<config::Config> load_config(const std::string& path, bool read_api_keys = true) {
  config::LoadOptions options;
  options.read_api_keys = read_api_keys;
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
  if (!config->warnings.empty()) fmt::print(stderr, "{}\n", config->warnings);
  const auto& keys = config->identity.api_keys;
  fmt::print("{}: ok, {} tenants, {}storage {}, keys {}:*\n", path, config->plans->tenants().size(),
             keys ? fmt::format("{} API keys, ", keys->size()) : "", config->storage_text(),
             config->limiter.keys.prefix);
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
  App::hold_signals();
  raise_descriptor_limit();
  const auto config = load_config(flags.config);
  if (!config) return complain(config.error());
  auto secrets = config->sessions.load_secrets();
  if (!secrets) return complain(secrets.error());
  if (const auto ready = fcgi::initialize_libfcgi(); !ready) return complain(ready.error());
  auto listener = flags.listen.empty() ? fcgi::inherited_listener() : fcgi::listen_at(flags.listen);
  if (!listener) return complain(listener.error());
  App::Options options = flags.app;
  options.read_config = [&flags] { return load_config(flags.config); };
  App app(*config, std::move(options), std::move(*secrets), std::move(*listener));
  app.run();
  return kOk;
}

struct OperatorFlags {
  std::string config;
  Whose whose;
  bool dry_run = false;
};

int ask(const OperatorFlags& flags, Operation operation) {
  const auto config = load_config(flags.config);
  if (!config) return complain(config.error());
  const auto text = operate(*config, flags.whose, operation);
  if (!text) return complain(text.error());
  fmt::print("{}", *text);
  return kOk;
}

struct KeyFlags {
  std::string config;
  NewKey wanted;
  std::string revoked;
};

// The key is all that goes to standard output, so that it can be put where it belongs.
int make_key(const config::Config& config, const NewKey& wanted) {
  const auto made = new_key(config, wanted, SystemClock().now());
  if (!made) return complain(made.error());
  if (std::printf("%s\n", made->text.c_str()) < 0 || std::fflush(stdout) != 0) {
    return complain({ErrorCode::kSystem,
                     fmt::format("the key could not be written; sluice key revoke {}", made->id)});
  }
  fmt::print(stderr,
             "id {}; workers know it after a reload (SIGHUP); this key is not shown again\n",
             made->id);
  return kOk;
}

int show_keys(const config::Config& config) {
  const auto table = list_keys(config);
  if (!table) return complain(table.error());
  fmt::print("{}", *table);
  return kOk;
}

int revoke(const config::Config& config, const std::string& id) {
  const auto revoked = revoke_key(config, id);
  if (!revoked) return complain(revoked.error());
  fmt::print(stderr, "id {} is revoked; workers refuse it after a reload (SIGHUP)\n", id);
  return kOk;
}

int edit_keys(const CLI::App& command, const KeyFlags& flags) {
  const auto config = load_config(flags.config, false);
  if (!config) return complain(config.error());
  if (command.got_subcommand("new")) return make_key(*config, flags.wanted);
  if (command.got_subcommand("list")) return show_keys(*config);
  return revoke(*config, flags.revoked);
}

CLI::App* add_keys(CLI::App& cli, KeyFlags& flags) {
  auto* keys = cli.add_subcommand("key", "Make, list and revoke API keys");
  keys->footer(
      "Keys are in the file that the config names as api_keys.file, by their hashes alone. A\n"
      "client shows its key as X-API-Key or as Authorization: Bearer. Workers read the file when\n"
      "they start: restart them after a change.");
  keys->require_subcommand(1);
  auto* made = keys->add_subcommand("new", "Make a key, and print it: once, and never again");
  made->add_option("--tenant", flags.wanted.tenant, "Id of the tenant")->required();
  made->add_option("--user", flags.wanted.user, "Id of the user that the key stands for")
      ->required();
  made->add_option("--id", flags.wanted.id, "Id of the key itself; one is made up without it");
  auto* listed = keys->add_subcommand("list", "Show all keys: id, tenant, user, when made");
  auto* revoked = keys->add_subcommand("revoke", "Take a key off the list");
  revoked->add_option("ID", flags.revoked, "Id of the key, as key list shows it")->required();
  for (CLI::App* command : {made, listed, revoked}) {
    command->add_option("-c,--config", flags.config, "Config file")->required();
  }
  return keys;
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
                           : "Give a client back the full quota of what is its own, and show it");
  command->footer(
      "Whose: --session or --api-key for a client of a tenant, --tenant for what a tenant's\n"
      "clients share, --ip for the defaults, which callers without either are counted by. The\n"
      "store is the config's, or RATE_LIMIT_STORAGE_URI. A session is checked with the config's\n"
      "secrets, or those of SLUICE_SECRETS or SLUICE_SECRET_FILE.\n"
      "With shm://, run it as the workers' user: the file is theirs alone.");
  command->add_option("-c,--config", flags.config, "Config file")->required();
  command->add_option("--tenant", flags.whose.tenant, "Id of the tenant; --session implies it");
  command->add_option("--session", flags.whose.session, "Session, as POST /session gave it");
  command->add_option("--ip", flags.whose.address, "Address of the client");
  command->add_option("--api-key", flags.whose.api_key,
                      "Id of the client's API key; implies the tenant");
  command->add_option("--route", flags.whose.route,
                      "Only the limits of this route (of false claims: identity_failure)");
  return command;
}

CLI::App* add_reset(CLI::App& cli, OperatorFlags& flags) {
  auto* command = add_operation(cli, "reset", flags);
  command->add_flag("--shared", flags.whose.shared,
                    "Also what others are counted in: buckets of the tenant beside a session, an "
                    "address or a key; global ones; and the counts of new buckets");
  command->add_flag("--dry-run", flags.dry_run, "Show what would be reset, and change nothing");
  return command;
}

int run(int argc, char** argv) {
  CLI::App cli{"Sluice: a multi-tenant rate limiter and chat backend behind nginx"};
  cli.set_version_flag("--version", fmt::format("sluice {} (git {})", kVersion, kRevision));
  cli.require_subcommand(1);
  WorkerFlags flags;
  add_worker(cli, flags);
  std::string checked;
  auto* checker = cli.add_subcommand("check", "Check a config file, and say all that is wrong");
  checker->add_option("FILE", checked, "Config file")->required();
  OperatorFlags asked;
  const auto* peeker = add_operation(cli, "peek", asked);
  const auto* resetter = add_reset(cli, asked);
  KeyFlags key_flags;
  const auto* keys = add_keys(cli, key_flags);

  try {
    cli.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return cli.exit(error) == 0 ? kOk : kUsageError;
  }
  if (checker->parsed()) return check(checked);
  if (peeker->parsed()) return ask(asked, peek);
  if (resetter->parsed()) return ask(asked, asked.dry_run ? preview_reset : reset);
  if (keys->parsed()) return edit_keys(*keys, key_flags);
  return work(flags);
}

}  // namespace
}  // namespace sluice

int main(int argc, char** argv) {
  int code = sluice::kMachineFailure;
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
