#include "commands/tenants.h"

#include <cstdio>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "commands/text_file.h"
#include "config/document/source.h"

namespace sluice::commands {
namespace {

// What comes of a line is about as long, and a config may not be longer.
constexpr std::size_t kMostInput = 4 * config::kMaxFileBytes;

struct ImportFlags {
  std::string file = {};
  std::string config = {};
  std::string output = {};
  bool force = false;
};

int print(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0) {
    return kOk;
  }
  return complain({ErrorCode::kSystem, "standard output cannot be written to"});
}

int import_file(const ImportFlags& flags) {
  const auto text = read_whole(flags.file, kMostInput);
  if (!text) return complain(text.error());
  const std::string shown = flags.file == "-" ? "standard input" : flags.file;
  const auto section = import_tenants(*text, shown, flags.config);
  if (!section) return complain(section.error());
  if (flags.output.empty()) return print(*section);
  const auto written = write_whole(flags.output, *section, flags.force);
  return written ? kOk : complain(written.error());
}

int export_config(const std::string& config) {
  const auto lines = export_tenants(config);
  return lines ? print(*lines) : complain(lines.error());
}

}  // namespace

Result<std::string> export_tenants(const std::string& config) {
  const auto loaded = load_config(config, {.keep_tenants = true});
  if (!loaded) return tl::unexpected(loaded.error());
  std::string lines;
  for (const config::TenantText& tenant : loaded->tenants) {
    lines.append(config::json_text(tenant)).append("\n");
  }
  return lines;
}

Result<std::string> import_tenants(std::string_view text, const std::string& file,
                                   const std::string& config) {
  const config::TenantLines lines = config::read_tenant_lines(text, file);
  const auto refused = [&](std::string_view why) {
    return fail(ErrorCode::kInvalidConfig, fmt::format("{}: {}", file, why));
  };
  if (lines.lines.empty() && lines.complaints.empty()) {
    return refused("has no tenants; write one a line, as {\"id\":\"acme\",\"plan\":\"chat\"}");
  }
  if (config.empty()) {
    if (const auto fits = config::check_tenants(lines); !fits) return tl::unexpected(fits.error());
  } else if (const auto loaded = load_config(config, {.tenants = &lines}); !loaded) {
    return tl::unexpected(loaded.error());
  }
  std::string section = "# Tenants; made by sluice import.\ntenants = (\n";
  for (const auto& [number, tenant] : lines.lines) {
    const bool is_last = number == lines.lines.back().number;
    section += fmt::format("  {}{}\n", config::config_text(tenant), is_last ? "" : ",");
  }
  section += ");\n";
  if (section.size() <= config::kMaxFileBytes) return section;
  return refused(fmt::format("makes {} bytes, and a file of a config may have {}; take some out",
                             section.size(), config::kMaxFileBytes));
}

void add_import(CLI::App& cli, int& code) {
  const auto flags = std::make_shared<ImportFlags>();
  auto* command = cli.add_subcommand("import", "Make a config's list of tenants of JSON lines");
  command->footer(
      "A line is {\"id\":\"acme\",\"plan\":\"chat\",\"limits\":{\"chat_per_10s\":8}}. The list is\n"
      "printed, or written to a file which a config can @include in place of its own.");
  command->add_option("FILE", flags->file, "JSON lines; - is standard input")->required();
  command->add_option("-c,--config", flags->config, "Config whose plans the tenants are to have");
  auto* output = command->add_option("-o,--output", flags->output, "File to write the list to");
  command->add_flag("--force", flags->force, "Replace that file")->needs(output);
  command->callback([flags, &code] { code = import_file(*flags); });
}

void add_export(CLI::App& cli, int& code) {
  const auto config = std::make_shared<std::string>();
  auto* command = cli.add_subcommand("export", "Print the tenants of a config as JSON lines");
  command->add_option("-c,--config", *config, "Config file")->required();
  command->callback([config, &code] { code = export_config(*config); });
}

}  // namespace sluice::commands
