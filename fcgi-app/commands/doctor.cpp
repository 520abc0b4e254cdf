#include "commands/doctor.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "commands/eviction.h"
#include "config/document/report.h"
#include "doctor/doctor.h"
#include "nginx_config/tree.h"

namespace sluice::commands {
namespace {

constexpr int kFindings = 1;
constexpr std::size_t kMaxDumpBytes = 67'108'864;
constexpr const char* kNginx = "PATH=\"$PATH:/usr/sbin\" nginx -T 2>&1";

struct DoctorFlags {
  std::string file = {};
  std::string config = {};
  bool strict = false;
};

std::string name_of(const std::string& file) {
  if (file.empty()) return "nginx -T";
  return file == "-" ? "standard input" : file;
}

Result<std::string> read_all(std::FILE* stream, std::string_view name) {
  std::string text;
  std::array<char, 65536> part{};
  while (const std::size_t size = std::fread(part.data(), 1, part.size(), stream)) {
    text.append(part.data(), size);
    if (text.size() > kMaxDumpBytes) {
      return refuse_flags(fmt::format("{}: larger than {} bytes", name, kMaxDumpBytes));
    }
  }
  if (std::ferror(stream) == 0) return text;
  return refuse_flags(fmt::format("{}: {}", name, std::strerror(errno)));
}

// Its last line says why it failed.
Result<std::string> run_nginx() {
  std::FILE* const nginx = ::popen(kNginx, "r");
  if (!nginx) return refuse_flags(fmt::format("{}: {}", name_of(""), std::strerror(errno)));
  auto text = read_all(nginx, name_of(""));
  const int status = ::pclose(nginx);
  if (!text || status == 0) return text;
  std::string_view said = *text;
  while (said.ends_with('\n')) said.remove_suffix(1);
  return refuse_flags(
      fmt::format("nginx -T: {}; run it as nginx's user or root, and give what it prints: "
                  "nginx -T | sluice doctor -",
                  said.substr(said.rfind('\n') + 1)));
}

Result<std::string> read_dump_text(const std::string& file) {
  if (file.empty()) return run_nginx();
  if (file == "-") return read_all(stdin, name_of(file));
  std::FILE* const stream = std::fopen(file.c_str(), "re");
  if (!stream) return refuse_flags(fmt::format("{}: {}", file, std::strerror(errno)));
  auto text = read_all(stream, file);
  std::fclose(stream);
  return text;
}

Result<nginx_config::Tree> read_tree(const std::string& file) {
  const auto text = read_dump_text(file);
  if (!text) return tl::unexpected(text.error());
  return nginx_config::read_dump(*text, name_of(file));
}

doctor::Known known_of(const config::Loaded& config) {
  doctor::Known known;
  for (const policy::GatedRoute& route : config.policy.routes) known.routes.push_back(route.name);
  known.trusts_proxies = !config.policy.identity.trusted_proxies.empty();
  return known;
}

void examine_store(const config::Loaded& config, const std::string& path, config::Report& report) {
  const store::Assembly::Options& store = config.deployment.store;
  if (store.kind != store::Kind::kRedis) return;
  const config::Place place{report.add_file(path), 0};
  const auto policy = eviction_of(store.redis);
  if (!policy) {
    report.warn(place, fmt::format("{}: whether it throws counts out cannot be told: {}",
                                   store.text(), policy.error().detail));
  } else if (!policy->empty()) {
    report.complain(place, fmt::format("{}: throws counts out when its memory is full "
                                       "(maxmemory-policy {}); CONFIG SET maxmemory-policy "
                                       "noeviction, and in its config file",
                                       store.text(), *policy));
  }
}

int examine(const DoctorFlags& flags) {
  std::optional<config::Loaded> config;
  if (!flags.config.empty()) {
    auto loaded = load_config(flags.config, {.read_api_keys = false});
    if (!loaded) return complain(loaded.error());
    config = std::move(*loaded);
  }
  const auto tree = read_tree(flags.file);
  if (!tree) return complain(tree.error());
  const auto known = config ? std::optional(known_of(*config)) : std::nullopt;
  const doctor::Site site(*tree, known);
  config::Report report;
  doctor::examine(site, *tree, report);
  if (config) examine_store(*config, flags.config, report);

  const std::string warnings = report.warnings();
  if (!report.empty()) fmt::print("{}\n", report.text());
  if (!warnings.empty()) fmt::print("{}\n", warnings);
  if (!report.empty() || (flags.strict && !warnings.empty())) return kFindings;
  fmt::print("{}: ok, {} gated locations, {} passes to workers\n", tree->files.front(),
             site.gated().size(), site.passes().size());
  return kOk;
}

}  // namespace

void add_doctor(CLI::App& cli, int& code) {
  const auto flags = std::make_shared<DoctorFlags>();
  auto* command = cli.add_subcommand("doctor", "Find in nginx's config what defeats the limiter");
  command->footer(
      "FILE has what nginx -T prints; - is standard input. Without FILE it runs nginx -T itself,\n"
      "which mostly takes root. Exit code: 0 nothing found, 1 findings, 2 a mistake in the "
      "command\n"
      "line, or a config that cannot be read. What cannot be judged is a warning.");
  command->add_option("FILE", flags->file, "What nginx -T prints");
  command->add_option("-c,--config", flags->config,
                      "Config file: its routes are looked for, and its Redis is asked");
  command->add_flag("--strict", flags->strict, "Exit code 1 for warnings too");
  command->callback([flags, &code] { code = examine(*flags); });
}

}  // namespace sluice::commands
