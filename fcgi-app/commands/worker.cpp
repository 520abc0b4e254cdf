#include "commands/worker.h"

#include <memory>
#include <utility>

#include <CLI/CLI.hpp>
#include <sys/resource.h>

#include "app.h"
#include "fcgi/listener.h"

namespace sluice::commands {
namespace {

// Every connection takes a descriptor, and the usual soft limit of 1024 is for select(2).
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  static_cast<void>(::setrlimit(RLIMIT_NOFILE, &limit));
}

struct WorkerFlags {
  std::string config = {};
  std::string listen = {};
  App::Options app = {};
};

int work(const WorkerFlags& flags) {
  App::hold_signals();
  raise_descriptor_limit();
  auto config = load_config(flags.config);
  if (!config) return complain(config.error());
  auto secrets = config->deployment.secrets.load();
  if (!secrets) return complain(secrets.error());
  if (const auto ready = fcgi::initialize_libfcgi(); !ready) return complain(ready.error());
  auto listener = flags.listen.empty() ? fcgi::inherited_listener() : fcgi::listen_at(flags.listen);
  if (!listener) return complain(listener.error());
  App::Options options = flags.app;
  options.read_config = [&flags] { return load_config(flags.config); };
  App app(std::move(*config), std::move(options), std::move(*secrets), std::move(*listener));
  app.run();
  return kOk;
}

}  // namespace

void add_worker(CLI::App& cli, int& code) {
  const auto flags = std::make_shared<WorkerFlags>();
  auto* worker = cli.add_subcommand("worker",
                                    "Serve FastCGI on fd 0 (spawn-fcgi), on the socket "
                                    "of systemd, or at --listen");
  worker->add_option("-c,--config", flags->config, "Config file")->required();
  worker->add_option("--listen", flags->listen, "Make and serve a unix socket at this path");
  worker->add_option("--pool", flags->app.engine.pool,
                     "Name of the pool, shown at GET / and in the log");
  worker->add_option("--generation", flags->app.engine.generation,
                     "config_generation at GET / before the first reload");
  worker->add_flag("--echo", flags->app.echo, "Answer every request with its body (for bench/)");
  worker->callback([flags, &code] { code = work(*flags); });
}

}  // namespace sluice::commands
