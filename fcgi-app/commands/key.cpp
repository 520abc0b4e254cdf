#include "commands/key.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/ids.h"
#include "identity/credentials/api_key_file.h"
#include "identity/credentials/fingerprint.h"

namespace sluice::commands {
namespace {

using identity::ApiKey;
using identity::ApiKeyList;

constexpr std::string_view kNewFile =
    "# API keys: ID TENANT USER HASH CREATED. Made by sluice key new; read at start and at "
    "SIGHUP.\n";
constexpr std::size_t kMadeIdDigits = 10;

Result<std::string> file_of(const config::Loaded& config) {
  if (!config.api_key_file.empty()) return config.api_key_file;
  return fail(ErrorCode::kInvalidConfig,
              "the config has no API keys; add api_keys = { file = \"sluice.keys\"; };");
}

Result<ApiKeyList> parsed(const std::string& path, std::string_view text) {
  ApiKeyList list = identity::parse_api_keys(text);
  if (list.complaints.empty()) return list;
  return fail(ErrorCode::kInvalidConfig, list.complaint_text(path));
}

const ApiKey* find_id(const ApiKeyList& list, std::string_view id) {
  const auto found = std::find_if(list.keys.begin(), list.keys.end(),
                                  [&](const ApiKey& key) { return key.id == id; });
  return found == list.keys.end() ? nullptr : &*found;
}

// Random, and nothing of the key or its hash: an id may be told to anybody.
std::string made_id() {
  const std::string random = identity::fingerprint(identity::generate_api_key());
  return fmt::format("k{:.{}}", random, kMadeIdDigits);
}

// The text without its line number `line`, from 1.
std::string without_line(std::string_view text, unsigned line) {
  std::size_t start = 0;
  for (unsigned i = 1; i < line; ++i) start = text.find('\n', start) + 1;
  const std::size_t end = std::min(text.find('\n', start), text.size() - 1) + 1;
  return std::string(text.substr(0, start)).append(text.substr(end));
}

Result<bool> check(const config::Loaded& config, const NewKey& wanted) {
  const auto complaint = [](std::string_view flag) {
    return refuse_flags(fmt::format("{}: must be {}", flag, kIdRule));
  };
  if (!config.policy.plans->has_tenant(wanted.tenant)) {
    return refuse_flags(fmt::format("--tenant: the config has no \"{}\"", wanted.tenant));
  }
  if (!is_valid_id(wanted.user)) return complaint("--user");
  if (!wanted.id.empty() && !is_valid_id(wanted.id)) return complaint("--id");
  return true;
}

}  // namespace

Result<MadeKey> new_key(const config::Loaded& config, const NewKey& wanted, TimePoint now) {
  const auto path = file_of(config);
  if (!path) return tl::unexpected(path.error());
  if (const auto fits = check(config, wanted); !fits) return tl::unexpected(fits.error());
  MadeKey made{wanted.id, identity::generate_api_key()};
  const auto add = [&](std::string_view old) -> Result<std::string> {
    const auto list = parsed(*path, old);
    if (!list) return tl::unexpected(list.error());
    const bool is_given = !wanted.id.empty();
    while (!is_given && (made.id.empty() || find_id(*list, made.id))) made.id = made_id();
    const ApiKey key{made.id,
                     wanted.tenant,
                     wanted.user,
                     identity::hash_of_api_key(made.text),
                     identity::created_text(now),
                     0};
    if (const ApiKey* taken = find_id(*list, key.id)) {
      return refuse_flags(
          fmt::format("--id: \"{}\" is taken, at {}:{}", key.id, *path, taken->line));
    }
    std::string text(old.empty() ? kNewFile : old);
    if (!text.ends_with('\n')) text += '\n';
    return text.append(identity::api_key_line(key)).append("\n");
  };
  const auto changed = identity::change_api_key_file(*path, add);
  if (!changed) return tl::unexpected(changed.error());
  return made;
}

Result<std::string> list_keys(const config::Loaded& config) {
  const auto path = file_of(config);
  if (!path) return tl::unexpected(path.error());
  const auto text = identity::read_api_key_file(*path);
  if (!text) return fail(text.error().code, fmt::format("{}: {}", *path, text.error().detail));
  const auto list = parsed(*path, *text);
  if (!list) return tl::unexpected(list.error());

  std::vector<std::array<std::string_view, 4>> rows{{"ID", "TENANT", "USER", "CREATED"}};
  for (const ApiKey& key : list->keys) rows.push_back({key.id, key.tenant, key.user, key.created});
  std::array<std::size_t, 3> widths{};
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < widths.size(); ++i) {
      widths.at(i) = std::max(widths.at(i), row.at(i).size());
    }
  }
  std::string table;
  for (const auto& [id, tenant, user, created] : rows) {
    table += fmt::format("{:{}}  {:{}}  {:{}}  {}\n", id, widths[0], tenant, widths[1], user,
                         widths[2], created);
  }
  return table;
}

Result<bool> revoke_key(const config::Loaded& config, std::string_view id) {
  const auto path = file_of(config);
  if (!path) return tl::unexpected(path.error());
  return identity::change_api_key_file(*path, [&](std::string_view old) -> Result<std::string> {
    const auto list = parsed(*path, old);
    if (!list) return tl::unexpected(list.error());
    const ApiKey* const key = find_id(*list, id);
    // What it says is not repeated: it may be a key, and this goes to a log.
    if (!key)
      return refuse_flags(fmt::format("{}: no key has this id; sluice key list shows them", *path));
    return without_line(old, key->line);
  });
}

namespace {

struct KeyFlags {
  std::string config = {};
  NewKey wanted = {};
  std::string revoked = {};
};

// The key is all that goes to standard output, so that it can be put where it belongs.
int make_key(const config::Loaded& config, const NewKey& wanted) {
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

int show_keys(const config::Loaded& config) {
  const auto table = list_keys(config);
  if (!table) return complain(table.error());
  fmt::print("{}", *table);
  return kOk;
}

int revoke(const config::Loaded& config, const std::string& id) {
  const auto revoked = revoke_key(config, id);
  if (!revoked) return complain(revoked.error());
  fmt::print(stderr, "id {} is revoked; workers refuse it after a reload (SIGHUP)\n", id);
  return kOk;
}

int edit_keys(const CLI::App& command, const KeyFlags& flags) {
  const auto config = load_config(flags.config, {.read_api_keys = false});
  if (!config) return complain(config.error());
  if (command.got_subcommand("new")) return make_key(*config, flags.wanted);
  if (command.got_subcommand("list")) return show_keys(*config);
  return revoke(*config, flags.revoked);
}

}  // namespace

void add_key(CLI::App& cli, int& code) {
  const auto flags = std::make_shared<KeyFlags>();
  auto* keys = cli.add_subcommand("key", "Make, list and revoke API keys");
  keys->footer(
      "Keys are in the file that the config names as api_keys.file, by their hashes alone. A\n"
      "client shows its key as X-API-Key or as Authorization: Bearer. Workers read the file when\n"
      "they start and at SIGHUP: reload them after a change.");
  keys->require_subcommand(1);
  auto* made = keys->add_subcommand("new", "Make a key, and print it: once, and never again");
  made->add_option("--tenant", flags->wanted.tenant, "Id of the tenant")->required();
  made->add_option("--user", flags->wanted.user, "Id of the user that the key stands for")
      ->required();
  made->add_option("--id", flags->wanted.id, "Id of the key itself; one is made up without it");
  auto* listed = keys->add_subcommand("list", "Show all keys: id, tenant, user, when made");
  auto* revoked = keys->add_subcommand("revoke", "Take a key off the list");
  revoked->add_option("ID", flags->revoked, "Id of the key, as key list shows it")->required();
  for (CLI::App* command : {made, listed, revoked}) {
    command->add_option("-c,--config", flags->config, "Config file")->required();
  }
  keys->callback([keys, flags, &code] { code = edit_keys(*keys, *flags); });
}

}  // namespace sluice::commands
