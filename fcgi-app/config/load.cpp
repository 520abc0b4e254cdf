#include "config/load.h"

#include <array>
#include <filesystem>
#include <span>
#include <utility>

#include <fmt/format.h>
#include <libconfig.h++>

#include "base/sip_hash.h"
#include "config/document/reader.h"
#include "config/document/report.h"
#include "config/document/source.h"
#include "config/sections/access.h"
#include "config/sections/api_keys.h"
#include "config/sections/costs.h"
#include "config/sections/plans.h"
#include "config/sections/settings.h"
#include "identity/credentials/secret.h"

namespace sluice::config {
namespace {

constexpr std::string_view kUriVariable = "RATE_LIMIT_STORAGE_URI";
constexpr std::string_view kSecretsVariable = "SLUICE_SECRETS";
constexpr std::string_view kDefaultUri = "redis://127.0.0.1:6379/0";

// What has been read so far.
struct Draft {
  explicit Draft(const LoadOptions& from) : options(from) {}

  const LoadOptions& options;
  Config config;
  // These refer to the parsed file.
  PlanSections limits;
  std::optional<Value> api_keys;
  std::optional<Value> access;
  std::optional<Value> costs;
};

void read_section(const Value& value, Draft& draft) {
  Settings settings{draft.config, draft.options.storage_uri.has_value()};
  read_settings(value, settings);
}

// Lists refer to each other, in whatever order they stand: all are read at the end.
constexpr std::array<Key<Draft>, 15> kRootKeys{{
    {"storage", read_section},
    {"sessions", read_section},
    {"client_address", read_section},
    {"fastcgi", read_section},
    {"new_buckets", read_section},
    {"penalty", read_section},
    {"status", read_section},
    {"log", read_section},
    {"api_keys", [](const Value& value, Draft& draft) { draft.api_keys = value; }},
    {"access", [](const Value& value, Draft& draft) { draft.access = value; }},
    {"costs", [](const Value& value, Draft& draft) { draft.costs = value; }},
    {"defaults", [](const Value& value, Draft& draft) { draft.limits.defaults = value; }},
    {"plans", [](const Value& value, Draft& draft) { draft.limits.plans = value; }},
    {"default_plan", [](const Value& value, Draft& draft) { draft.limits.default_plan = value; }},
    {"tenants", [](const Value& value, Draft& draft) { draft.limits.tenants = value; }},
}};

void read_lists(const std::filesystem::path& folder, Draft& draft) {
  Config& config = draft.config;
  const Words routes = draft.options.routes;
  draft.limits.has_api_keys = draft.api_keys.has_value();
  config.plans = read_plans(draft.limits, routes);
  config.limiter.keys.tags = limiter::Tags(*config.plans);
  config.identity.headers = counted_headers(*config.plans);
  if (draft.access) config.identity.access = read_access(*draft.access, *config.plans);
  if (draft.costs) config.costs = read_costs(*draft.costs, routes, *config.plans);
  if (!draft.api_keys) return;
  config.api_keys = read_api_keys_section(*draft.api_keys, folder);
  if (config.api_keys.file.empty() || !draft.options.read_api_keys) return;
  config.identity.api_keys =
      read_api_keys(config.api_keys.file, *config.plans, draft.api_keys->report());
}

[[nodiscard]] bool parse(const Source& source, libconfig::Config& file, Report& report) {
  try {
    file.readString(source.text());
    return true;
  } catch (const libconfig::ParseException& error) {
    const std::string_view what = error.getError();
    // The scanner is a token ahead of the mistake.
    const std::string_view where = what == "syntax error" ? ", here or just before" : "";
    report.complain(source.place(static_cast<unsigned>(error.getLine())),
                    fmt::format("{}{}", what, where));
  }
  return false;
}

void apply_environment(const std::filesystem::path& folder, Draft& draft, Report& report) {
  const LoadOptions& options = draft.options;
  if (options.storage_uri) {
    if (const auto wrong = set_storage(*options.storage_uri, draft.config)) {
      report.complain({report.add_file(kUriVariable), 0}, *wrong);
    }
  }
  Sessions& sessions = draft.config.sessions;
  if (options.secrets) {
    if (auto secrets = identity::parse_secret_list(*options.secrets)) {
      sessions.secrets = std::move(*secrets);
    } else {
      report.complain({report.add_file(kSecretsVariable), 0}, secrets.error().detail);
    }
  }
  std::string& secret_file = sessions.secret_file;
  secret_file = options.secret_file.value_or((folder / secret_file).string());
}

// Who has the same store and keys on this host shares it, whatever user of Redis each is: an
// operator is another one than the workers.
std::string default_shared_file(const Config& config) {
  switch (config.storage) {
    case Storage::kMemory:
      return "";
    case Storage::kSharedMemory:
      return config.shared_memory_file + ".shared";
    case Storage::kRedis:
      break;
  }
  const redis::Uri& uri = config.redis.uri;
  const std::string what = fmt::format("{}{}:{}/{} {}", uri.path, uri.host, uri.port, uri.db,
                                       config.limiter.keys.prefix);
  return fmt::format("/dev/shm/sluice-{:016x}", SipHash::of(what, {}));
}

}  // namespace

std::string Config::storage_text() const {
  switch (storage) {
    case Storage::kRedis:
      break;
    case Storage::kSharedMemory:
      return fmt::format("{}{}", kSharedMemoryScheme, shared_memory_file);
    case Storage::kMemory:
      return std::string(kMemoryUri);
  }
  return redis.uri.masked();
}

Result<Config> load(const std::string& path, const LoadOptions& options) {
  const std::filesystem::path parent = std::filesystem::path(path).parent_path();
  const std::filesystem::path folder = parent.empty() ? "." : parent;
  Report report;
  libconfig::Config file;
  Draft draft(options);
  const auto source = Source::read(path, folder, report);
  if (source && parse(*source, file, report)) {
    (void)set_storage(kDefaultUri, draft.config);
    if (file.getRoot().getLength() == 0) {
      report.complain({report.add_file(path), 0}, "has no settings; start from conf/sluice.cfg");
    }
    read_group(Value(file.getRoot(), *source, report), kRootKeys, draft);
    read_lists(parent, draft);
  }
  apply_environment(parent, draft, report);
  if (draft.config.shared_file.empty()) {
    draft.config.shared_file = default_shared_file(draft.config);
  }
  if (!report.empty()) return fail(ErrorCode::kInvalidConfig, report.text());
  draft.config.warnings = report.warnings();
  return std::move(draft.config);
}

std::vector<std::string> known_keys() {
  std::vector<std::string> names = settings_keys();
  for (const auto& keys : {access_keys(), api_keys_keys(), cost_keys(), plan_section_keys()}) {
    names.insert(names.end(), keys.begin(), keys.end());
  }
  return names;
}

}  // namespace sluice::config
