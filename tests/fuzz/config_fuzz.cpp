// The config loader: any text is a config that is sound, or an error that says where.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/ids.h"
#include "config/load.h"
#include "fuzz/harness.h"

namespace sluice::config {
namespace {

using fuzz::require;

namespace fs = std::filesystem;

// A folder in memory, for as long as the process lives.
class Folder {
 public:
  Folder() {
    std::string name = fs::is_directory("/dev/shm") ? "/dev/shm/" : "/tmp/";
    name += "sluice-fuzz-XXXXXX";
    require(mkdtemp(name.data()) != nullptr, "a folder");
    path_ = name;
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  [[nodiscard]] std::string file(const std::string& name) const { return (path_ / name).string(); }
  void write(const std::string& name, std::string_view text) const {
    std::ofstream(file(name), std::ios::binary) << text;
  }

 private:
  fs::path path_;
};

LoadOptions options() {
  LoadOptions options;
  options.routes = {"status", "session", "chat"};
  return options;
}

// Every line is `file: what`, or `file:line: what`, of one of the files in the folder.
void expect_places(const Error& error, const std::vector<std::string>& files) {
  require(error.code == ErrorCode::kInvalidConfig, "an error is of the config", error.detail);
  require(!error.detail.empty(), "an error says what is wrong");
  fuzz::Input lines(error.detail);
  while (!lines.empty()) {
    std::string_view line = lines.line();
    bool known = false;
    for (const std::string& file : files) {
      if (!line.starts_with(file + ":")) continue;
      line.remove_prefix(file.size() + 1);
      known = true;
      break;
    }
    require(known, "an error names its file", error.detail);
    const std::size_t digits = std::min(line.find_first_not_of("0123456789"), line.size());
    if (digits > 0) line.remove_prefix(std::min(line.size(), digits + 1));
    require(line.size() > 1 && line.front() == ' ', "an error says what", error.detail);
    for (const char c : line) {
      require(static_cast<unsigned char>(c) >= ' ' && c != '\x7f', "an error is one line of text",
              error.detail);
    }
  }
}

std::string text_of(const limits::PlanLimit& entry) {
  const limits::Limit& limit = entry.limit;
  return fmt::format("{} {} {} {} {} {} {} {} {} {} {} {} on {}\n", limit.name, limit.tenant,
                     limit.plan, limit.scope.text(), limit.text(), limit.burst,
                     static_cast<int>(limit.algorithm), static_cast<int>(limit.alignment),
                     limit.time_zone, static_cast<int>(limit.on_change),
                     static_cast<int>(limit.mode), static_cast<int>(limit.on_store_error),
                     fmt::join(entry.routes, ","));
}

// What a config says, for comparison.
std::string text_of(const Loaded& config) {
  std::string text =
      fmt::format("{} {} {} {} {} {}\n", config.deployment.store.text(),
                  config.deployment.store.redis.uri.password, config.deployment.key_prefix,
                  config.deployment.secrets.file, config.policy.session_lifetime.count(),
                  config.policy.identity.ipv6_prefix);
  text += fmt::format(
      "{} {} {} {} {} {}\n", config.deployment.server.bounds.max_body_bytes,
      config.deployment.server.bounds.max_params_bytes, config.deployment.server.max_connections,
      config.deployment.store.shared_memory.bytes, config.deployment.store.redis.wire.max_pending,
      static_cast<int>(config.deployment.log_level));
  for (const auto& limit : config.policy.plans->defaults()) text += text_of(limit);
  for (const auto& [tenant, limits] : config.policy.plans->tenants()) {
    text += fmt::format("tenant {}\n", tenant);
    for (const auto& limit : limits) text += text_of(limit);
  }
  for (const auto& [route, rules] : config.policy.costs) {
    for (const http::CostRule& rule : rules) {
      text += fmt::format("cost {} {} {} {} {} {} {} {}\n", route, static_cast<int>(rule.source),
                          rule.name, rule.cost, rule.min, rule.max, rule.unit,
                          rule.settle_within.count());
    }
  }
  return text;
}

void expect_sound(const limits::PlanLimit& entry) {
  const limits::Limit& limit = entry.limit;
  const std::string text = text_of(entry);
  require(is_valid_id(limit.name), "a limit's name is an id", text);
  require(!limit.complaint(), "a limit can be counted", text);
  require(limit.quota() >= 0 && limit.quota() <= limits::kMaxQuota, "a quota has bounds", text);
  require(limit.burst >= 0 && limit.burst <= limits::kMaxQuota, "a burst has bounds", text);
  require(limit.window() > Duration::zero() && limit.window() <= limits::kMaxWindow,
          "a window has bounds", text);
  require(!entry.routes.empty(), "a limit is on some route", text);
  for (const std::string& route : entry.routes) {
    const bool known = route == "status" || route == "session" || route == "chat" ||
                       route == limits::kEveryRoute || route == limits::kIdentityFailure;
    require(known, "and on routes that there are", text);
  }
}

void expect_sound(const std::string& route, const std::vector<http::CostRule>& rules) {
  std::set<std::string_view> units;
  for (const http::CostRule& rule : rules) {
    require(rule.min <= rule.max && rule.min >= 0 && rule.max <= limits::kMaxQuota,
            "a cost has bounds", route);
    require(rule.unit.empty() || is_valid_id(rule.unit), "a unit is an id", route);
    require(units.insert(rule.unit).second, "a unit is named once", route);
  }
  const auto is_estimate = [](const http::CostRule& rule) {
    return rule.settle_within > Duration::zero();
  };
  require(std::count_if(rules.begin(), rules.end(), is_estimate) <= 1,
          "one cost at most is an estimate", route);
}

void expect_sound(const Loaded& config) {
  const limits::Plans& plans = *config.policy.plans;
  for (const auto& limit : plans.defaults()) expect_sound(limit);
  for (const auto& [tenant, limits] : plans.tenants()) {
    require(is_valid_id(tenant), "a tenant's name is an id", tenant);
    for (const auto& limit : limits) {
      expect_sound(limit);
      require(limit.limit.tenant == tenant, "a tenant's limits are its own", tenant);
    }
    for (const char* const route : {"status", "session", "chat"}) {
      for (const Standing standing : {Standing::kKnown, Standing::kPartial, Standing::kRejected}) {
        require(plans.limits_for(tenant, route, standing).size() <= limits::kMaxLimits,
                "a request has at most kMaxLimits limits", tenant);
      }
    }
  }
  for (const auto& [route, rules] : config.policy.costs) expect_sound(route, rules);
}

constexpr std::string_view kNextFile = "\n--\n";

// The text of a config and of the files "a.cfg", "b.cfg" and "c.cfg", with "--" on a line between.
void check(std::string_view text, const Folder& folder) {
  const std::vector<std::string> names{"test.cfg", "a.cfg", "b.cfg", "c.cfg"};
  for (const std::string& name : names) {
    const std::size_t end = std::min(text.find(kNextFile), text.size());
    folder.write(name, text.substr(0, end));
    text.remove_prefix(std::min(text.size(), end + kNextFile.size()));
  }
  const std::string path = folder.file("test.cfg");
  const auto config = load(path, options());
  const auto again = load(path, options());
  if (!config) {
    require(!again && again.error().detail == config.error().detail, "an error is found again",
            config.error().detail);
    return expect_places(config.error(), {path, "a.cfg", "b.cfg", "c.cfg"});
  }
  require(again.has_value() && text_of(*again) == text_of(*config),
          "what is loaded again is the same", text_of(*config));
  expect_sound(*config);
}

}  // namespace
}  // namespace sluice::config

// libconfig 1.5 forgets the strings that its scanner has read when it finds a syntax error: some
// bytes of a process that ends.
extern "C" const char* __lsan_default_suppressions() {
  return "leak:strbuf_append\nleak:libconfig_yylex\n";
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const sluice::config::Folder folder;
  sluice::config::check(sluice::fuzz::Input(data, size).rest(), folder);
  return 0;
}
