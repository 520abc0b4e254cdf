#include "config/load.h"

#include <algorithm>
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
#include "config/sections/routes.h"
#include "config/sections/settings.h"
#include "identity/credentials/secret.h"

namespace sluice::config {
namespace {

constexpr std::string_view kUriVariable = "RATE_LIMIT_STORAGE_URI";
constexpr std::string_view kSecretsVariable = "SLUICE_SECRETS";
constexpr std::string_view kDefaultUri = "redis://127.0.0.1:6379/0";

// What has been read so far.
struct Draft {
  const LoadOptions& options;
  Loaded loaded = {};
  // These refer to the parsed file.
  PlanSections limits = {};
  std::optional<Value> api_keys = std::nullopt;
  std::optional<Value> access = std::nullopt;
  std::optional<Value> costs = std::nullopt;
  std::optional<Value> routes = std::nullopt;
};

void read_section(const Value& value, Draft& draft) {
  Loaded& loaded = draft.loaded;
  SettingsDraft settings{loaded.deployment, loaded.policy, draft.options.storage_uri.has_value()};
  read_settings(value, settings);
}

// Lists refer to each other, and may stand in any order. So all of them are read at the end.
constexpr std::array<Key<Draft>, 21> kRootKeys{{
    {"storage", read_section},
    {"sessions", read_section},
    {"client_address", read_section},
    {"fastcgi", read_section},
    {"new_buckets", read_section},
    {"penalty", read_section},
    {"status", read_section},
    {"log", read_section},
    {"gate", read_section},
    {"metrics", read_section},
    {"settle", read_section},
    {"cors", read_section},
    {"denial_log", read_section},
    {"routes", [](const Value& value, Draft& draft) { draft.routes = value; }},
    {"api_keys", [](const Value& value, Draft& draft) { draft.api_keys = value; }},
    {"access", [](const Value& value, Draft& draft) { draft.access = value; }},
    {"costs", [](const Value& value, Draft& draft) { draft.costs = value; }},
    {"defaults", [](const Value& value, Draft& draft) { draft.limits.defaults = value; }},
    {"plans", [](const Value& value, Draft& draft) { draft.limits.plans = value; }},
    {"default_plan", [](const Value& value, Draft& draft) { draft.limits.default_plan = value; }},
    {"tenants", [](const Value& value, Draft& draft) { draft.limits.tenants = value; }},
}};

void read_lists(const std::filesystem::path& folder, Draft& draft) {
  policy::Options& options = draft.loaded.policy;
  std::vector<std::string_view> routes = draft.options.routes;
  RouteSection gated;
  if (draft.routes) gated = read_routes(*draft.routes, routes);
  for (const policy::GatedRoute& route : gated.routes) {
    const bool is_new = std::find(routes.begin(), routes.end(), route.name) == routes.end();
    if (is_new && !route.name.empty()) routes.emplace_back(route.name);
  }
  draft.limits.of_routes = gated.limits;
  draft.limits.has_api_keys = draft.api_keys.has_value();
  ReadPlans read = read_plans(draft.limits, routes);
  options.plans = std::move(read.plans);
  options.identity.headers = counted_names(*options.plans, limits::Fact::kHeader);
  options.identity.facts = counted_names(*options.plans, limits::Fact::kFact);
  if (draft.access) options.identity.access = read_access(*draft.access, *options.plans);
  options.costs =
      read_costs(draft.costs, gated.costs, draft.options.routes, routes, *options.plans);
  warn_of_units(read.units, options.costs);
  options.routes = std::move(gated.routes);
  if (!draft.api_keys) return;
  const std::string file = read_api_key_file_name(*draft.api_keys, folder);
  draft.loaded.api_key_file = file;
  draft.loaded.api_keys_at = draft.api_keys->report().text(draft.api_keys->place());
  if (file.empty() || !draft.options.read_api_keys) return;
  options.identity.api_keys = read_api_keys(file, *options.plans, draft.api_keys->report());
}

[[nodiscard]] bool parse(const Source& source, libconfig::Config& file, Report& report) {
  try {
    file.readString(source.text());
    return true;
  } catch (const libconfig::ParseException& error) {
    const std::string_view what = error.getError();
    // libconfig's scanner is one token further than the mistake.
    const std::string_view where = what == "syntax error" ? ", here or just before" : "";
    report.complain(source.place(static_cast<unsigned>(error.getLine())),
                    fmt::format("{}{}", what, where));
  }
  return false;
}

// Tenants that stand in no config, parsed; a section of them refers to it.
class ForeignTenants {
 public:
  // Complains of what is wrong with the lines.
  ForeignTenants(const TenantLines& lines, Report& report)
      : place_{report.add_file(lines.file), 1},
        source_(Source::of(section_text(lines), place_)),
        report_(report) {
    for (const auto& [line, what] : lines.complaints) report.complain({place_.file, line}, what);
  }

  [[nodiscard]] std::optional<Value> section() {
    if (!parse(source_, file_, report_)) return std::nullopt;
    return Value(file_.getRoot()[0], source_, report_);
  }

 private:
  Place place_;
  Source source_;
  libconfig::Config file_;
  Report& report_;
};

void apply_environment(const std::filesystem::path& folder, Draft& draft, Report& report) {
  const LoadOptions& options = draft.options;
  Deployment& deployment = draft.loaded.deployment;
  if (options.storage_uri) {
    if (const auto wrong = set_store(*options.storage_uri, deployment.store)) {
      report.complain({report.add_file(kUriVariable), 0}, *wrong);
    }
  }
  if (options.secrets) {
    if (auto secrets = identity::parse_secret_list(*options.secrets)) {
      deployment.secrets.given = std::move(*secrets);
    } else {
      report.complain({report.add_file(kSecretsVariable), 0}, secrets.error().detail);
    }
  }
  std::string& secret_file = deployment.secrets.file;
  secret_file = options.secret_file.value_or((folder / secret_file).string());
}

// All who use the same store and key prefix on this host share the file. The user of Redis is no
// part of its name: an operator is another user than the workers.
std::string default_shared_file(const Deployment& deployment) {
  switch (deployment.store.kind) {
    case store::Kind::kMemory:
      return "";
    case store::Kind::kSharedMemory:
      return deployment.store.file + ".shared";
    case store::Kind::kRedis:
      break;
  }
  const redis::Uri& uri = deployment.store.redis.uri;
  const std::string what =
      fmt::format("{}{}:{}/{} {}", uri.path, uri.host, uri.port, uri.db, deployment.key_prefix);
  return fmt::format("/dev/shm/sluice-{:016x}", SipHash::of(what, {}));
}

}  // namespace

Result<Loaded> load(const std::string& path, const LoadOptions& options) {
  const std::filesystem::path parent = std::filesystem::path(path).parent_path();
  const std::filesystem::path folder = parent.empty() ? "." : parent;
  Report report;
  libconfig::Config file;
  std::optional<ForeignTenants> foreign;
  Draft draft{options};
  Deployment& deployment = draft.loaded.deployment;
  const auto source = Source::read(path, folder, report);
  if (source && parse(*source, file, report)) {
    (void)set_store(kDefaultUri, deployment.store);
    if (file.getRoot().getLength() == 0) {
      report.complain({report.add_file(path), 0}, "has no settings; start from conf/sluice.cfg");
    }
    read_group(Value(file.getRoot(), *source, report), kRootKeys, draft);
    if (options.tenants) {
      draft.limits.tenants = foreign.emplace(*options.tenants, report).section();
    }
    read_lists(parent, draft);
  }
  apply_environment(parent, draft, report);
  if (deployment.shared_file.empty()) {
    deployment.shared_file = default_shared_file(deployment);
  }
  if (!report.empty()) return fail(ErrorCode::kInvalidConfig, report.text());
  draft.loaded.warnings = report.warnings();
  if (options.keep_tenants && draft.limits.tenants) {
    draft.loaded.tenants = read_tenant_texts(*draft.limits.tenants);
  }
  return std::move(draft.loaded);
}

Result<void> check_tenants(const TenantLines& tenants) {
  Report report;
  ForeignTenants foreign(tenants, report);
  PlanSections sections;
  sections.tenants = foreign.section();
  sections.has_all_plans = false;
  (void)read_plans(sections, {});
  if (!report.empty()) return fail(ErrorCode::kInvalidConfig, report.text());
  return {};
}

std::vector<std::string> known_keys() {
  std::vector<std::string> names;
  for (const Setting& setting : settings()) names.emplace_back(setting.name);
  for (const auto& keys :
       {access_keys(), api_keys_keys(), cost_keys(), route_section_keys(), plan_section_keys()}) {
    names.insert(names.end(), keys.begin(), keys.end());
  }
  return names;
}

}  // namespace sluice::config
