#include "config/sections/settings.h"

#include <array>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/character.h"
#include "base/ids.h"
#include "telemetry/names.h"

namespace sluice::config {
namespace {

using telemetry::Level;

constexpr std::int64_t kMaxWaitMs = 60'000;
constexpr std::int64_t kDayS = 86'400;
constexpr std::int64_t kMaxLifetimeS = std::chrono::seconds(std::chrono::days(366)).count();

constexpr std::array<std::pair<std::string_view, Level>, 4> kLevelNames{
    {{"debug", Level::kDebug},
     {"info", Level::kInfo},
     {"warning", Level::kWarning},
     {"error", Level::kError}}};

constexpr std::array<std::pair<std::string_view, policy::Unmatched>, 2> kUnmatchedNames{
    {{"allow", policy::Unmatched::kAllow}, {"deny", policy::Unmatched::kDeny}}};

constexpr std::array<std::pair<std::string_view, policy::HandedOver>, 2> kHandedOverNames{
    {{"ignore", policy::HandedOver::kIgnore}, {"trust", policy::HandedOver::kTrust}}};

// A reader checks a value, and puts it into its place.

// A URI that is replaced may be wrong here: it is often of another machine.
void read_uri(const Value& value, SettingsDraft& draft) {
  const auto uri = value.text();
  if (!uri || draft.uri_replaced) return;
  if (const auto wrong = set_store(*uri, draft.deployment.store)) {
    value.complain(fmt::format("\"uri\": {}", *wrong));
  }
}

bool is_same_store(const Deployment& a, const Deployment& b) {
  return a.store.kind == b.store.kind && a.store.file == b.store.file &&
         a.store.redis.uri == b.store.redis.uri;
}

void read_key_prefix(const Value& value, std::string& prefix) {
  const auto text = value.text();
  if (!text) return;
  if (!is_valid_id(*text)) {
    value.complain(fmt::format("\"key_prefix\" must be {}, not \"{}\"", kIdRule, *text));
  }
  prefix = *text;
}

// A folder that is missing is no mistake: it may be there where the workers are to run.
void read_shared_file(const Value& value, std::string& file) {
  const auto text = value.text();
  if (!text) return;
  if (!text->starts_with('/')) {
    return value.complain(
        fmt::format("\"{}\" is not an absolute path; write /dev/shm/sluice-shared", *text));
  }
  std::error_code ignored;
  const auto folder = std::filesystem::path(*text).parent_path();
  if (!std::filesystem::is_directory(folder, ignored)) {
    value.warn(fmt::format("no folder {} here: without it each worker counts for itself",
                           folder.string()));
  }
  file = *text;
}

void read_secret_file(const Value& value, std::string& file) {
  const auto text = value.text();
  if (!text) return;
  if (text->empty()) value.complain("\"secret_file\" is empty; name a file");
  file = *text;
}

template <bool kTrusted>
void read_networks(const Value& value, std::vector<identity::Network>& networks) {
  const auto elements = value.elements();
  if (!elements) return;
  networks.clear();
  for (const Value& element : *elements) {
    const auto text = element.text();
    if (!text) continue;
    const auto network = identity::parse_network(*text);
    if (!network) {
      element.complain(network.error().detail);
    } else if (kTrusted && network->is_everything()) {
      element.complain(fmt::format(
          "\"{}\" trusts everybody: a client could claim any address; name your proxies", *text));
    } else {
      networks.push_back(*network);
    }
  }
}

void read_nat64_prefixes(const Value& value, identity::Nat64Prefixes& prefixes) {
  const auto elements = value.elements();
  if (!elements) return;
  prefixes.clear();
  for (const Value& element : *elements) {
    const auto text = element.text();
    if (!text) continue;
    if (const auto prefix = identity::parse_nat64_prefix(*text)) {
      prefixes.push_back(*prefix);
    } else {
      element.complain(prefix.error().detail);
    }
  }
}

void read_origins(const Value& value, std::vector<std::string>& origins) {
  const auto elements = value.elements();
  if (!elements) return;
  origins.clear();
  for (const Value& element : *elements) {
    const auto text = element.text();
    if (!text) continue;
    if (*text != http::kAnyOrigin && !http::is_origin(*text)) {
      element.complain(fmt::format(
          "\"{}\" is no origin; write scheme://host or scheme://host:port, in lower case and with "
          "nothing behind it, or \"*\" for all",
          *text));
    }
    origins.push_back(*text);
  }
}

void read_megabytes(const Value& value, std::size_t& bytes) {
  if (const auto read = value.integer(1, 16'384)) bytes = static_cast<std::size_t>(*read) << 20U;
}

void read_lifetime(const Value& value, Duration& lifetime) {
  if (const auto read = value.integer(60, kMaxLifetimeS)) lifetime = std::chrono::seconds(*read);
}

template <const auto& kNames, class Enum>
void read_word(const Value& value, Enum& word) {
  if (const auto read = value.word<Enum>(kNames)) word = *read;
}

template <std::int64_t kLow, std::int64_t kHigh>
struct Integer {
  template <class Number>
  void operator()(const Value& value, Number& number) const {
    if (const auto read = value.integer(kLow, kHigh)) number = static_cast<Number>(*read);
  }
};

// A setting of the deployment, and a setting of the policy. `At` yields the setting's place in that
// half. The reader is given this place alone, and two deployments are compared at it.
template <auto kRead, class At>
constexpr Setting of_deployment(std::string_view name, At /*at*/) {
  return {name,
          [](const Value& value, SettingsDraft& draft) { kRead(value, At{}(draft.deployment)); },
          [](const Deployment& a, const Deployment& b) { return At{}(a) == At{}(b); }};
}

template <auto kRead, class At>
constexpr Setting of_policy(std::string_view name, At /*at*/) {
  return {name, [](const Value& value, SettingsDraft& draft) { kRead(value, At{}(draft.policy)); },
          nullptr};
}

constexpr std::array kSettings{
    // A row made by hand: the environment may replace the value, and one store has several URIs.
    Setting{"storage.uri", read_uri, is_same_store},
    of_deployment<Integer<1, kMaxWaitMs>{}>(
        "storage.connect_timeout_ms",
        [](auto& d) -> auto& { return d.store.redis.wire.connect_timeout; }),
    of_deployment<Integer<1, kMaxWaitMs>{}>(
        "storage.deadline_ms", [](auto& d) -> auto& { return d.store.redis.wire.command_timeout; }),
    of_deployment<Integer<1, 1'000'000>{}>(
        "storage.max_pending", [](auto& d) -> auto& { return d.store.redis.wire.max_pending; }),
    of_deployment<read_key_prefix>(
        "storage.key_prefix", [](auto& d) -> auto& { return d.key_prefix; }),
    of_deployment<read_shared_file>(
        "storage.shared_file", [](auto& d) -> auto& { return d.shared_file; }),
    of_deployment<read_megabytes>(
        "storage.shared_memory_mb", [](auto& d) -> auto& { return d.store.shared_memory.bytes; }),
    of_deployment<read_secret_file>(
        "sessions.secret_file", [](auto& d) -> auto& { return d.secrets.file; }),
    of_policy<read_lifetime>(
        "sessions.lifetime_s", [](auto& r) -> auto& { return r.session_lifetime; }),
    of_policy<Integer<8, 128>{}>(
        "client_address.ipv6_prefix", [](auto& r) -> auto& { return r.identity.ipv6_prefix; }),
    of_policy<read_nat64_prefixes>(
        "client_address.nat64_prefixes",
        [](auto& r) -> auto& { return r.identity.nat64_prefixes; }),
    of_policy<read_networks<true>>(
        "client_address.trusted_proxies",
        [](auto& r) -> auto& { return r.identity.trusted_proxies; }),
    of_deployment<Integer<1, 16 << 20>{}>(
        "fastcgi.max_body_bytes", [](auto& d) -> auto& { return d.server.bounds.max_body_bytes; }),
    of_deployment<Integer<1024, 1 << 20>{}>(
        "fastcgi.max_params_bytes",
        [](auto& d) -> auto& { return d.server.bounds.max_params_bytes; }),
    of_deployment<Integer<1, 65536>{}>(
        "fastcgi.max_connections", [](auto& d) -> auto& { return d.server.max_connections; }),
    of_deployment<Integer<100, 10 * kMaxWaitMs>{}>(
        "fastcgi.stall_timeout_ms", [](auto& d) -> auto& { return d.server.stall_timeout; }),
    of_policy<Integer<0, limits::kMaxQuota>{}>(
        "new_buckets.per_tenant", [](auto& r) -> auto& { return r.newcomers.per_tenant; }),
    of_policy<Integer<0, limits::kMaxQuota>{}>(
        "new_buckets.per_network", [](auto& r) -> auto& { return r.newcomers.per_network; }),
    of_policy<Integer<0, 1000>{}>(
        "penalty.after", [](auto& r) -> auto& { return r.penalty.after; }),
    of_policy<Integer<1, kDayS>{}>(
        "penalty.first_s", [](auto& r) -> auto& { return r.penalty.first; }),
    of_policy<Integer<1, 30 * kDayS>{}>(
        "penalty.most_s", [](auto& r) -> auto& { return r.penalty.most; }),
    of_policy<Integer<1, kDayS>{}>(
        "penalty.forget_s", [](auto& r) -> auto& { return r.penalty.forget; }),
    of_policy<Integer<0, 10'000>{}>(
        "status.tenants", [](auto& r) -> auto& { return r.most_tenants; }),
    of_policy<read_word<kUnmatchedNames, policy::Unmatched>>(
        "gate.unmatched", [](auto& r) -> auto& { return r.unmatched; }),
    of_policy<read_word<kHandedOverNames, policy::HandedOver>>(
        "gate.handed_over", [](auto& r) -> auto& { return r.handed_over; }),
    of_policy<read_networks<false>>(
        "metrics.allow", [](auto& r) -> auto& { return r.metrics.allow; }),
    of_policy<Integer<0, telemetry::Names::kMost>{}>(
        "metrics.tenants", [](auto& r) -> auto& { return r.metrics.tenants; }),
    of_policy<read_networks<false>>(
        "settle.allow", [](auto& r) -> auto& { return r.settle.allow; }),
    of_policy<read_origins>(
        "cors.origins", [](auto& r) -> auto& { return r.cors.origins; }),
    of_policy<Integer<0, kDayS>{}>(
        "cors.max_age_s", [](auto& r) -> auto& { return r.cors.max_age_s; }),
    of_policy<Integer<0, 1000>{}>(
        "denial_log.per_second", [](auto& r) -> auto& { return r.denial_log.per_second; }),
    of_policy<Integer<1, 1'000'000>{}>(
        "denial_log.one_in", [](auto& r) -> auto& { return r.denial_log.one_in; }),
    of_deployment<read_word<kLevelNames, Level>>(
        "log.level", [](auto& d) -> auto& { return d.log_level; }),
};

}  // namespace

std::span<const Setting> settings() {
  return kSettings;
}

void read_settings(const Value& section, SettingsDraft& draft) {
  std::vector<Key<SettingsDraft>> keys;
  for (const Setting& setting : kSettings) {
    const std::size_t dot = setting.name.find('.');
    if (setting.name.substr(0, dot) != section.name()) continue;
    keys.push_back({setting.name.substr(dot + 1), setting.read});
  }
  read_group(section, keys, draft);
  const auto& penalty = draft.policy.penalty;
  if (section.name() == "penalty" && penalty.most < penalty.first) {
    section.complain(fmt::format("\"most_s\" is {}, less than \"first_s\", which is {}",
                                 penalty.most.count(), penalty.first.count()));
  }
}

std::optional<std::string> set_store(std::string_view uri, store::Assembly::Options& store) {
  // GET / and the log show it.
  if (auto unseen = unseen_in(uri)) return unseen;
  if (uri == store::kMemoryUri) {
    store.kind = store::Kind::kMemory;
    return std::nullopt;
  }
  if (uri.starts_with(store::kSharedMemoryScheme)) {
    store.kind = store::Kind::kSharedMemory;
    store.file = uri.substr(store::kSharedMemoryScheme.size());
    if (store.file.starts_with('/')) return std::nullopt;
    return fmt::format("\"{}\" needs an absolute path; write shm:///dev/shm/sluice", uri);
  }
  store.kind = store::Kind::kRedis;
  auto parsed = redis::parse_uri(uri);
  if (!parsed) {
    return fmt::format("{}, shm:///path/to/file, or {}", parsed.error().detail, store::kMemoryUri);
  }
  store.redis.uri = std::move(*parsed);
  store.redis.tls = nullptr;
  if (const auto& files = store.redis.uri.tls) {
    auto context = redis::TlsContext::load(*files);
    if (!context) return context.error().detail;
    store.redis.tls = std::move(*context);
  }
  return std::nullopt;
}

}  // namespace sluice::config
