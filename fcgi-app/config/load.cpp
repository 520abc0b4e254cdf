#include "config/load.h"

#include <array>
#include <filesystem>
#include <span>
#include <utility>

#include <fmt/format.h>
#include <libconfig.h++>

#include "base/ids.h"
#include "config/access_section.h"
#include "config/cost_section.h"
#include "config/plan_sections.h"
#include "config/reader.h"
#include "config/report.h"
#include "config/source.h"

namespace sluice::config {
namespace {

using telemetry::Level;

constexpr std::string_view kUriVariable = "RATE_LIMIT_STORAGE_URI";
constexpr std::string_view kDefaultUri = "redis://127.0.0.1:6379/0";

constexpr std::int64_t kMaxWaitMs = 60'000;
constexpr std::int64_t kMaxLifetimeS = std::chrono::seconds(std::chrono::days(366)).count();

constexpr std::array<std::pair<std::string_view, Level>, 4> kLevelNames{
    {{"debug", Level::kDebug},
     {"info", Level::kInfo},
     {"warning", Level::kWarning},
     {"error", Level::kError}}};

// What has been read so far.
struct Draft {
  const LoadOptions& options;
  Config config = {};
  // These refer to the parsed file.
  PlanSections limits = {};
  std::optional<Value> access = std::nullopt;
  std::optional<Value> costs = std::nullopt;
};

// What is wrong with `uri`, or nothing after it went into `config`.
std::optional<std::string> set_storage(std::string_view uri, Config& config) {
  if (uri == kMemoryUri) {
    config.storage = Storage::kMemory;
    return std::nullopt;
  }
  if (uri.starts_with(kSharedMemoryScheme)) {
    config.storage = Storage::kSharedMemory;
    config.shared_memory_file = uri.substr(kSharedMemoryScheme.size());
    if (config.shared_memory_file.starts_with('/')) return std::nullopt;
    return fmt::format("\"{}\" names no file; write shm:///dev/shm/sluice", uri);
  }
  config.storage = Storage::kRedis;
  auto parsed = store::redis::parse_uri(uri);
  if (!parsed) {
    return fmt::format("{}, shm:///path/to/file, or {}", parsed.error().detail, kMemoryUri);
  }
  config.redis.uri = std::move(*parsed);
  return std::nullopt;
}

void read_uri(const Value& value, Draft& draft) {
  const auto uri = value.text();
  // One that is replaced may say anything: it is often of another machine.
  if (!uri || draft.options.storage_uri) return;
  if (const auto wrong = set_storage(*uri, draft.config)) {
    value.complain(fmt::format("\"uri\": {}", *wrong));
  }
}

void read_key_prefix(const Value& value, Draft& draft) {
  const auto prefix = value.text();
  if (!prefix) return;
  if (!is_valid_id(*prefix)) {
    value.complain(fmt::format(
        "\"key_prefix\" must be up to {} of a-z, 0-9, _ and -, a letter or digit first, not \"{}\"",
        kMaxIdLength, *prefix));
  }
  draft.config.limiter.key_prefix = *prefix;
}

void read_secret_file(const Value& value, Draft& draft) {
  const auto file = value.text();
  if (!file) return;
  if (file->empty()) value.complain("\"secret_file\" is empty; name a file");
  draft.config.sessions.secret_file = *file;
}

template <std::int64_t kLow, std::int64_t kHigh, class Number>
void read_integer(const Value& value, Number& number) {
  if (const auto read = value.integer(kLow, kHigh)) number = static_cast<Number>(*read);
}

constexpr std::array<Key<Draft>, 6> kStorageKeys{{
    {"uri", read_uri},
    {"connect_timeout_ms",
     [](const Value& value, Draft& draft) {
       read_integer<1, kMaxWaitMs>(value, draft.config.redis.wire.connect_timeout);
     }},
    {"deadline_ms",
     [](const Value& value, Draft& draft) {
       read_integer<1, kMaxWaitMs>(value, draft.config.redis.wire.command_timeout);
     }},
    {"max_pending",
     [](const Value& value, Draft& draft) {
       read_integer<1, 1'000'000>(value, draft.config.redis.wire.max_pending);
     }},
    {"key_prefix", read_key_prefix},
    {"shared_memory_mb",
     [](const Value& value, Draft& draft) {
       if (const auto megabytes = value.integer(1, 16'384)) {
         draft.config.shared_memory.bytes = static_cast<std::size_t>(*megabytes) << 20U;
       }
     }},
}};

constexpr std::array<Key<Draft>, 2> kSessionsKeys{{
    {"secret_file", read_secret_file},
    {"lifetime_s",
     [](const Value& value, Draft& draft) {
       if (const auto seconds = value.integer(60, kMaxLifetimeS)) {
         draft.config.sessions.lifetime = std::chrono::seconds(*seconds);
       }
     }},
}};

constexpr std::array<Key<Draft>, 1> kClientAddressKeys{{
    {"ipv6_prefix",
     [](const Value& value, Draft& draft) {
       read_integer<8, 128>(value, draft.config.identity.ipv6_prefix);
     }},
}};

constexpr std::array<Key<Draft>, 4> kFastcgiKeys{{
    {"max_body_bytes",
     [](const Value& value, Draft& draft) {
       read_integer<1, 16 << 20>(value, draft.config.server.bounds.max_body_bytes);
     }},
    {"max_params_bytes",
     [](const Value& value, Draft& draft) {
       read_integer<1024, 1 << 20>(value, draft.config.server.bounds.max_params_bytes);
     }},
    {"max_connections",
     [](const Value& value, Draft& draft) {
       read_integer<1, 65536>(value, draft.config.server.max_connections);
     }},
    {"stall_timeout_ms",
     [](const Value& value, Draft& draft) {
       read_integer<100, 10 * kMaxWaitMs>(value, draft.config.server.stall_timeout);
     }},
}};

constexpr std::array<Key<Draft>, 1> kLogKeys{{
    {"level",
     [](const Value& value, Draft& draft) {
       if (const auto level = value.word<Level>(kLevelNames)) draft.config.log_level = *level;
     }},
}};

struct Section {
  std::string_view name;
  Keys<Draft> keys;
};

constexpr std::array<Section, 5> kSections{{
    {"storage", kStorageKeys},
    {"sessions", kSessionsKeys},
    {"client_address", kClientAddressKeys},
    {"fastcgi", kFastcgiKeys},
    {"log", kLogKeys},
}};

void read_section(const Value& value, Draft& draft) {
  for (const Section& section : kSections) {
    if (section.name == value.name()) return read_group(value, section.keys, draft);
  }
}

// Lists refer to each other, in whatever order they stand: all are read at the end.
constexpr std::array<Key<Draft>, 11> kRootKeys{{
    {"storage", read_section},
    {"sessions", read_section},
    {"client_address", read_section},
    {"fastcgi", read_section},
    {"log", read_section},
    {"access", [](const Value& value, Draft& draft) { draft.access = value; }},
    {"costs", [](const Value& value, Draft& draft) { draft.costs = value; }},
    {"defaults", [](const Value& value, Draft& draft) { draft.limits.defaults = value; }},
    {"plans", [](const Value& value, Draft& draft) { draft.limits.plans = value; }},
    {"default_plan", [](const Value& value, Draft& draft) { draft.limits.default_plan = value; }},
    {"tenants", [](const Value& value, Draft& draft) { draft.limits.tenants = value; }},
}};

void read_lists(Draft& draft) {
  Config& config = draft.config;
  const Words routes = draft.options.routes;
  config.plans = read_plans(draft.limits, routes);
  Counted shown = counted(*config.plans);
  config.identity.api_keys = shown.api_keys;
  config.identity.headers = std::move(shown.headers);
  if (draft.access) config.identity.access = read_access(*draft.access, *config.plans);
  if (draft.costs) config.costs = read_costs(*draft.costs, routes, *config.plans);
}

[[nodiscard]] bool parse(const std::string& path, libconfig::Config& file, Report& report) {
  try {
    file.readFile(path.c_str());
    return true;
  } catch (const libconfig::ParseException& error) {
    const char* const name = error.getFile() == nullptr ? path.c_str() : error.getFile();
    const std::string_view what = error.getError();
    // The scanner is a token ahead of the mistake.
    const std::string_view where = what == "syntax error" ? ", here or just before" : "";
    report.complain({report.add_file(name), static_cast<unsigned>(error.getLine())},
                    fmt::format("{}{}", what, where));
  } catch (const libconfig::FileIOException&) {
    report.complain({report.add_file(path), 0}, "cannot be read");
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
  std::string& secret_file = draft.config.sessions.secret_file;
  secret_file = options.secret_file.value_or((folder / secret_file).string());
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
  file.setIncludeDir(folder.c_str());
  Draft draft{options};
  if (check_sources(path, folder, report) && parse(path, file, report)) {
    (void)set_storage(kDefaultUri, draft.config);
    if (file.getRoot().getLength() == 0) {
      report.complain({report.add_file(path), 0}, "has no settings; start from conf/sluice.cfg");
    }
    read_group(Value(file.getRoot(), report), kRootKeys, draft);
    read_lists(draft);
  }
  apply_environment(parent, draft, report);
  if (!report.empty()) return fail(ErrorCode::kInvalidConfig, report.text());
  return std::move(draft.config);
}

std::vector<std::string> known_keys() {
  std::vector<std::string> names;
  for (const Section& section : kSections) append_keys(names, section.name, section.keys);
  for (const auto& keys : {access_keys(), cost_keys(), plan_section_keys()}) {
    names.insert(names.end(), keys.begin(), keys.end());
  }
  return names;
}

}  // namespace sluice::config
